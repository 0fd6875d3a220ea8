// The steps switch, verify and tidy: PM2 reloads the release in place of the previous one, nginx comes or goes, and if it
// does not answer then the previous one is put back.
// @ts-check
'use strict'
const fs = require('fs')
const { asUser, isFile } = require('./users')
const { health, listens, showLog, tail, unhealthy } = require('./check')
const { keepNginx } = require('./nginx')
const { placeholder, placeholderEnabled } = require('./systemd')
const { inside, pm2, serves } = require('./pm2')
const { isFree } = require('./http')
const { Failure } = require('./report')
const { parse } = require('./manifest')
const { ownWords } = require('./failures')
const { needForeground, needNoStray } = require('./strays')
const { replaceFile } = require('./write')
const { tagInstance } = require('./instance')

const PARTS = ['environment', 'pm2'] // what a release is started with
const FREED = 10_000 // ms that the placeholder may take to free its port

/** @param {import('./context').Run} run */
async function switchOver(run) {
  const { appLogs, service } = run.settings
  run.logged = { output: size(run, `${appLogs}/${service}.log`), errors: size(run, `${appLogs}/${service}-error.log`) }
  run.report.begin('switch')
  needNoStray(run, run.manifest.behind || run.manifest.port || 0)
  run.switching = true
  if (!run.previous && !run.manifest.behind) {
    placeholder(run.settings, 'stop')
    await needPort(run)
  }
  const { status, processes } = await exchange(run, `${run.kept}/pm2.next.json`, run.manifest.behind)
  if (status !== 0) run.broken(status, 'PM2 could not start the release.', `Check ${process.env.PM2_HOME}/pm2.log.`)
  return processes
}

/**
 * Fail if another program than a release has the port: it would answer in place of the first one.
 * @param {import('./context').Run} run
 */
async function needPort(run) {
  const { releases } = run.settings
  const port = run.manifest.port
  const { processes } = await pm2(run, { action: 'list' })
  if (!port || processes.some((one) => inside(one, releases))) return
  for (const end = performance.now() + FREED; !(await isFree(port)); await run.cancellation.sleep(0.2)) {
    if (performance.now() < end) continue
    throw new Failure(`Port ${port} is taken by another program.`, 'Find it (ss -ltnp) and stop it, then deploy again.')
  }
}

/**
 * Let what runs become what is in the file, in a process of its own: it comes to its end even if this run is killed.
 * @param {import('./context').Run} run
 * @param {string} file empty to end all
 * @param {number | null} behind
 * @param {(line: string) => void} [output]
 * @returns {Promise<{ status: number, processes: import('./pm2').Listed[] }>}
 */
async function exchange(run, file, behind, output) {
  const { settings, users, previous } = run
  const port = run.read && run.read.port
  const input = { kind: 'exchange', settings, users, file, behind, port, previous }
  const status = await run.runner.program('exchange.js', input, (argv) => argv, { finish: true, output })
  return { status, processes: JSON.parse(run.runner.result || '[]') }
}

/**
 * @param {import('./context').Run} run
 * @param {string} file
 */
function size(run, file) {
  return asUser(run.users.app, () => {
    try {
      return fs.statSync(file).size
    } catch {
      return 0
    }
  })
}

/**
 * Check the health path on the real port, and that the processes are those of the new folder.
 * @param {import('./context').Run} run
 * @param {import('./pm2').Listed[]} processes
 */
async function verify(run, processes) {
  const { manifest, settings } = run
  run.report.begin('verify')
  if (!serves(processes, settings.releases, run.folder)) await startAnew(run)
  if (manifest.port) await verifyProgram(run)
  else await verifyWorker(run)
  if (manifest.behind) await verifyNginx(run)
}

/** @param {import('./context').Run} run */
async function startAnew(run) {
  run.report.say('PM2 kept the old folder: restarting the processes.')
  const what = /** @type {const} */ ({ action: 'apply', file: `${run.kept}/pm2.next.json`, anew: true })
  const { status, processes } = await pm2(run, what, { finish: true })
  if (status === 0 && serves(processes, run.settings.releases, run.folder)) return
  run.broken(1, `PM2 does not run the program from ${run.folder}.`, `Check ${process.env.PM2_HOME}/pm2.log.`)
}

/** @param {import('./context').Run} run */
async function verifyProgram(run) {
  const port = run.manifest.behind || run.manifest.port || 0
  const config = asUser(run.users.app, () => fs.readFileSync(`${run.kept}/pm2.next.json`, 'utf8'))
  const verdict = await health(run, port, JSON.parse(config).apps[0].name)
  if (verdict.kind === 'ok') return needForeground(run, port)
  showApplicationLogs(run)
  unhealthy(run, verdict, port, listens(run))
}

/** @param {import('./context').Run} run */
async function verifyWorker(run) {
  await run.cancellation.sleep(run.settings.patience < 5 ? 1 : 5)
  const { processes } = await pm2(run, { action: 'list' })
  if (serves(processes, run.settings.releases, run.folder)) return noteRejection(run)
  showApplicationLogs(run)
  run.broken(1, 'The program ended right after it was started.', 'See its output above.')
}

/**
 * Say that a promise of a worker was rejected: PM2 in cluster mode keeps it, where Node.js ends it, and it may do nothing.
 * @param {import('./context').Run} run
 */
function noteRejection({ settings, users, logged, report }) {
  const said = asUser(users.app, () => tail(`${settings.appLogs}/${settings.service}-error.log`, logged.errors))
  if (!said.includes('You have triggered an unhandledRejection')) return
  const words = ownWords(said) || 'See its log.'
  report.say(`note: PM2 keeps the worker running, but a promise of it was rejected at the start: ${words}`)
}

/** @param {import('./context').Run} run */
function showApplicationLogs(run) {
  const { appLogs, service } = run.settings
  showLog(run, `${appLogs}/${service}.log`, run.logged.output)
  showLog(run, `${appLogs}/${service}-error.log`, run.logged.errors)
}

/** @param {import('./context').Run} run */
async function verifyNginx(run) {
  const { settings, manifest, users, previous } = run
  const log = `${settings.nginxLogs}/error.log`
  const input = { kind: 'take over', settings, users, previous }
  const status = await run.runner.program('exchange.js', input, (argv) => argv, { finish: true })
  if (status !== 0) run.broken(status, `nginx could not be started on port ${manifest.port}.`, `Check ${log}.`)
  const verdict = await health(run, manifest.port || 0, '')
  if (verdict.kind === 'ok') return
  for (const line of tail(log, 0).split('\n').slice(-400)) if (line) run.report.note(line)
  const ports = `port ${manifest.behind}, but not through nginx on port ${manifest.port}`
  run.broken(1, `The program answers on ${ports}.`, `Check ${log}.`)
}

/** From here on it is the release of this machine, after a reboot too. @param {import('./context').Run} run */
async function commit(run) {
  const { settings, kept, id } = run
  run.recorded = true
  run.orBroken(`${kept} cannot be written.`, () =>
    asUser(run.users.app, () => {
      for (const name of PARTS) keepBefore(`${kept}/${name}`)
      for (const name of PARTS) fs.renameSync(`${kept}/${name}.next.json`, `${kept}/${name}.json`)
    }),
  )
  const { status } = await pm2(run, { action: 'save' })
  if (status !== 0) run.broken(1, "PM2's list could not be saved.", `Check ${process.env.PM2_HOME}/pm2.log.`)
  keepNginx(settings, Boolean(run.manifest.behind))
  run.orBroken(`${settings.current} cannot be written.`, () => link(settings, id))
  run.cancellation.check()
  run.orBroken(`${settings.serving} cannot be written.`, () => replaceFile(settings.serving, `${id}\n`))
  run.cancellation.end()
  run.switching = false
  asUser(run.users.app, () => PARTS.forEach((name) => fs.rmSync(`${kept}/${name}.before.json`, { force: true })))
  placeholder(settings, 'disable')
  await tagInstance(run, id)
}

/**
 * Keep what a release was started with until now, for a restart that has to go back.
 * @param {string} part
 */
function keepBefore(part) {
  fs.rmSync(`${part}.before.json`, { force: true })
  if (isFile(`${part}.json`)) fs.linkSync(`${part}.json`, `${part}.before.json`)
}

/** @param {import('./context').Run} run */
function restoreBefore({ users, kept }) {
  asUser(users.app, () => {
    for (const part of PARTS.map((name) => `${kept}/${name}`)) {
      if (isFile(`${part}.before.json`)) fs.renameSync(`${part}.before.json`, `${part}.json`)
    }
  })
}

/**
 * @param {import('./settings').Settings} settings
 * @param {string} id
 */
function link({ current }, id) {
  fs.rmSync(`${current}.new`, { force: true })
  fs.symlinkSync(`releases/${id}`, `${current}.new`)
  fs.renameSync(`${current}.new`, current)
}

/**
 * Put back the previous release; without one the placeholder answers again, on a machine that began with it.
 * @param {import('./context').Run} run
 */
async function goBack(run) {
  const { settings, previous, users } = run
  const output = (/** @type {string} */ line) => run.report.file(line)
  const file = `${settings.shared}/${previous}/pm2.json`
  run.switching = false
  if (run.recorded) restoreBefore(run)
  if (previous && asUser(users.app, () => isFile(file))) {
    const { behind } = parse(fs.readFileSync(`${settings.known}/${previous}/manifest.json`, 'utf8'))
    const { status } = await exchange(run, file, behind, output)
    if (run.recorded) await recordPrevious(run, behind)
    run.report.say(status === 0 ? `Went back to ${previous}.` : `${previous} could not be started again.`)
    return
  }
  await exchange(run, '', null, output)
  if (run.recorded) await recordPrevious(run, null)
  if (placeholderEnabled(settings.root)) placeholder(settings, 'start')
}

/**
 * After a reboot too it is the previous release that runs.
 * @param {import('./context').Run} run
 * @param {number | null} behind
 */
async function recordPrevious(run, behind) {
  const { settings, previous } = run
  await pm2(run, { action: 'save' })
  keepNginx(settings, Boolean(behind))
  if (previous) link(settings, previous)
  else fs.rmSync(settings.current, { force: true })
}

/** @param {import('./context').Run} run */
async function put(run) {
  const processes = await switchOver(run)
  await verify(run, processes)
  await commit(run)
}

module.exports = { put, goBack }
