// Program that asks PM2, as the application's user. PM2's own command line keeps folder, script and removed variables of
// a process that it reloads; its daemon is told them here.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { promisify } = require('util')
const { execFileSync } = require('child_process')

const WAIT_FOR_LOST = 75_000 // ms
const WAIT_FOR_KILLED = 15_000 // ms

/**
 * @typedef {object} Input
 * @property {string} program path of the command `pm2`
 * @property {string} releases folder of all releases
 * @property {'list' | 'apply' | 'delete' | 'save'} action
 * @property {string} [file] what is to run (apply)
 * @property {boolean} [anew] start the processes anew instead of reloading them (apply)
 * @property {string} [candidate] name of the candidate's processes, which are all that is started (apply) or ended (delete)
 */

/** @param {Input} input */
function main(input) {
  process.stdout.on('error', () => {}) // a reload goes on when its run was killed
  process.stderr.on('error', () => {})
  act(input).then(
    () => process.exit(),
    (error) => {
      console.error(
        [error]
          .flat()
          .map((/** @type {any} */ one) => one.message || one)
          .join('; '),
      )
      process.exit(1)
    },
  )
}

/** @param {Input} input */
async function act(input) {
  const pm2 = new Pm2(input.program)
  await pm2.call('connect')
  if (input.action === 'apply') await apply(pm2, input)
  if (input.action === 'delete') {
    const ours = (/** @type {string} */ name) => name === input.candidate || name.startsWith(`${input.candidate}-`)
    for (const one of await pm2.call('list')) if (ours(one.name)) await pm2.call('delete', one.pm_id).catch(() => {})
  }
  if (input.action === 'save') {
    process.umask(0o077)
    await pm2.call('dump', true)
    // It holds the environment of what runs, and the list before it that of what ran.
    for (const name of fs.readdirSync(pm2.home))
      if (/^dump\.pm2/.test(name)) fs.chmodSync(path.join(pm2.home, name), 0o600)
  } else {
    const list = await pm2.call('list')
    const told = list.map((/** @type {any} */ one) => ({
      name: one.name,
      status: one.pm2_env.status,
      folder: one.pm2_env.pm_cwd,
    }))
    await new Promise((done) => process.stdout.write(`@result ${JSON.stringify(told)}\n`, done))
  }
  pm2.api.disconnect()
}

class Pm2 {
  /** @param {string} program */
  constructor(program) {
    const real = fs.realpathSync(program)
    const folders = [
      path.join(path.dirname(real), '..'),
      path.join(path.dirname(process.execPath), '../lib/node_modules/pm2'),
    ]
    const found = folders.find((folder) => fs.existsSync(path.join(folder, 'lib/Common.js')))
    if (!found) throw new Error(`${program} is not a known PM2`)
    this.api = require(found)
    this.common = require(path.join(found, 'lib/Common.js'))
    this.home = process.env.PM2_HOME || ''
  }

  /**
   * @param {string} name
   * @param {any[]} given
   * @returns {Promise<any>}
   */
  call(name, ...given) {
    return promisify(this.api[name].bind(this.api))(...given)
  }

  /**
   * @param {string} method
   * @param {unknown} what
   */
  remote(method, what) {
    return promisify(this.api.Client.executeRemote.bind(this.api.Client))(method, what)
  }
}

/**
 * Bring what runs in line with a file: reload, start, end what is no longer named.
 * @param {Pm2} pm2
 * @param {Input} input
 */
async function apply(pm2, { file, releases, anew, candidate }) {
  /** @type {{ apps: any[] }} */
  const { apps } = file ? JSON.parse(fs.readFileSync(file, 'utf8')) : { apps: [] }
  const list = await alone(pm2)
  for (const app of apps) {
    let running = list.filter((one) => one.name === app.name)
    const same = (/** @type {any} */ one) =>
      one.pm2_env.exec_mode === `${app.exec_mode}_mode` && one.pm2_env.status === 'online'
    if (running.length && (anew || !running.every(same))) {
      await pm2.call('delete', app.name)
      running = []
    }
    if (running.length) await reload(pm2, app, running)
    else await pm2.call('start', { apps: [app] })
  }
  const named = apps.map((app) => app.name)
  if (candidate) return
  const mine = list.filter((one) => `${one.pm2_env.pm_cwd}/`.startsWith(`${releases}/`))
  for (const one of mine) if (!named.includes(one.name)) await pm2.call('delete', one.pm_id).catch(() => {})
}

/**
 * @param {Pm2} pm2
 * @param {any} app
 * @param {any[]} running
 */
async function reload(pm2, app, running) {
  const [checked] = pm2.common.verifyConfs([JSON.parse(JSON.stringify(app))])
  const wanted = pm2.common.resolveAppAttributes({ cwd: app.cwd, pm2_home: pm2.home }, checked)
  for (const key of ['name', 'exec_mode', 'instances']) delete wanted[key]
  for (const one of running) {
    const gone = Object.keys(one.pm2_env.env || {}).filter((name) => !(name in wanted.env))
    const conf = { ...wanted, ...Object.fromEntries(gone.map((name) => [name, 'null'])) } // PM2: null takes it away
    await pm2.remote('reloadProcessId', { id: one.pm_id, env: { ...wanted.env, current_conf: conf } })
  }
  const count = Number(app.instances || 1)
  if (app.exec_mode === 'cluster' && count > 0 && count !== running.length) await pm2.call('scale', app.name, count)
}

/**
 * Return the processes when no other reload goes on. One whose run was killed goes on in the daemon, and two at once would
 * lose a process that is still listening: the daemon has children then which it does not list. They are waited for, and
 * ended if they stay.
 * @param {Pm2} pm2
 * @returns {Promise<any[]>}
 */
async function alone(pm2) {
  const daemon = fs.readFileSync(path.join(pm2.home, 'pm2.pid'), 'utf8').trim()
  for (const end = performance.now() + WAIT_FOR_LOST; ; await new Promise((resolve) => setTimeout(resolve, 250))) {
    const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
    const pairs = all.map((line) => line.trim().split(/\s+/))
    const list = await pm2.call('list')
    const listed = new Set(list.map((/** @type {any} */ one) => one.pid))
    const lost = pairs.filter(([pid, parent]) => parent === daemon && !listed.has(Number(pid)))
    if (!lost.length || performance.now() > end + WAIT_FOR_KILLED) return list
    if (performance.now() > end) for (const [pid] of lost) kill(Number(pid))
  }
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

module.exports = { main }
