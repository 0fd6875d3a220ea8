// PM2 on this machine: its daemon, and what it runs.
// @ts-check
'use strict'
const fs = require('fs')
const { argvAs, asUser } = require('./users')
const { quietly, which } = require('./runner')
const { systemd, writeUnit } = require('./systemd')

const UNIT = 'awsdeploy-application.service'

/** @typedef {{ name: string, status: string, folder: string }} Listed a process that PM2 has */

/**
 * Start PM2's daemon, if it does not run, and return an exit status. It gets no variables of the application: its children
 * would inherit them for ever.
 * @param {Pick<import('./context').Run, 'settings' | 'users'>} run
 */
function startDaemon({ settings, users }) {
  const running = asUser(users.app, daemonRuns)
  if (!systemd(settings.root)) return running ? 0 : quietly(argvAs(users.app, ['pm2', 'ping']))
  if (writeUnit(settings.units, UNIT, unit(users.app))) quietly(['systemctl', 'enable', '--quiet', UNIT])
  return running ? 0 : quietly(['systemctl', 'restart', UNIT])
}

function daemonRuns() {
  try {
    const pid = Number(fs.readFileSync(`${process.env.PM2_HOME}/pm2.pid`, 'utf8'))
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

/** @param {import('./users').User} app */
function unit(app) {
  const home = process.env.PM2_HOME
  const pm2 = which('pm2')
  return `[Unit]
Description=The application, under PM2
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
User=${app.name || 'root'}
Environment=PATH=${process.env.PATH} HOME=${app.home} PM2_HOME=${home}
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

module.exports = { startDaemon, pm2, serves, inside }
