// PM2 on this machine: its daemon, and what it runs.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { pathToFileURL } = require('url')
const { argvAs, asUser } = require('./users')
const { quietly, which } = require('./runner')
const { enable, systemd, writeUnit } = require('./systemd')
const { replaceFile } = require('./write')
const files = require('./files')

const UNIT = 'awsdeploy-application.service'

/** @typedef {{ name: string, status: string, folder: string }} Listed a process that PM2 has */

/**
 * Start PM2's daemon, if it does not run, and return an exit status. It gets no variables of the application: its children
 * would inherit them for ever. A daemon of an earlier version cannot start processes by another Node.js than its own: for
 * a release that has one it is started again, with what ran.
 * @param {Pick<import('./context').Run, 'settings' | 'users' | 'report' | 'node'>} run
 */
function startDaemon({ settings, users, report, node }) {
  const { pid, hook } = asUser(users.app, daemon)
  const useless = Boolean(pid && node && hook !== pid)
  const hookEnvironment = writeHook(settings.clusterHook)
  if (useless) report.say('note: PM2 is restarted once, to run another Node.js. Until then nothing answers.')
  if (systemd(settings.root)) {
    writeUnit(settings.units, UNIT, unit(users.app, hookEnvironment))
    enable(UNIT)
    return pid && !useless ? 0 : quietly(['systemctl', 'restart', UNIT])
  }
  const start = (/** @type {string} */ word) => argvAs(users.app, ['env', hookEnvironment, 'pm2', word])
  if (useless) quietly(argvAs(users.app, ['pm2', 'kill']))
  return pid && !useless ? 0 : quietly(start(useless ? 'resurrect' : 'ping'))
}

/**
 * Write the daemon's preload, and return the variable that names it. PM2 splits its value at spaces.
 * @param {string} file
 */
function writeHook(file) {
  const text = files['cluster_hook.js']
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    replaceFile(file, text)
  }
  return `PM2_NODE_OPTIONS=--import=${pathToFileURL(file)}`
}

/** Return the daemon's process, and the process that has the preload; 0 for none. */
function daemon() {
  const [pid, hook] = ['pm2.pid', 'cluster_hook.pid'].map(number)
  try {
    return { pid: pid > 0 && process.kill(pid, 0) ? pid : 0, hook }
  } catch {
    return { pid: 0, hook }
  }
}

/** @param {string} name of a file in PM2's folder */
function number(name) {
  try {
    return Number(fs.readFileSync(`${process.env.PM2_HOME}/${name}`, 'utf8'))
  } catch {
    return 0
  }
}

/**
 * @param {import('./users').User} app
 * @param {string} hook
 */
function unit(app, hook) {
  const home = process.env.PM2_HOME
  const pm2 = which('pm2')
  return `[Unit]
Description=The application, under PM2
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
User=${app.name || 'root'}
Environment=PATH=${process.env.PATH} HOME=${app.home} PM2_HOME=${home} ${hook.replace(/%/g, '%%')}
PIDFile=${home}/pm2.pid
LimitNOFILE=65536
Restart=on-failure
ExecStart=${pm2} resurrect
ExecReload=${pm2} reload all
ExecStop=${pm2} kill

[Install]
WantedBy=multi-user.target
`
}

/**
 * Ask PM2, and return an exit status and its processes. Where no daemon listens there are none.
 * @param {Pick<import('./context').Run, 'settings' | 'users' | 'runner'>} run
 * @param {Omit<import('./pm2_client').Input, 'program' | 'releases'>} what
 * @param {import('./runner').Options} [options]
 * @returns {Promise<{ status: number, processes: Listed[] }>}
 */
async function pm2(run, what, options = { output: () => {} }) {
  if (what.action !== 'apply' && !fs.existsSync(`${process.env.PM2_HOME}/rpc.sock`)) return { status: 0, processes: [] }
  const input = { ...what, program: which('pm2'), releases: run.settings.releases }
  const status = await run.runner.program('pm2_client.js', input, (argv) => argvAs(run.users.app, argv), options)
  return { status, processes: JSON.parse(run.runner.result || '[]') }
}

/**
 * Tell whether processes of this release run, and no others of ours.
 * @param {Listed[]} processes
 * @param {string} releases
 * @param {string} folder
 */
function serves(processes, releases, folder) {
  const ours = processes.filter((one) => inside(one, releases) || inside(one, folder))
  return ours.length > 0 && ours.every((one) => inside(one, folder) && one.status === 'online')
}

/**
 * @param {Listed} one
 * @param {string} place
 */
function inside(one, place) {
  return `${one.folder}/`.startsWith(`${place}/`)
}

module.exports = { startDaemon, daemon, pm2, serves, inside }
