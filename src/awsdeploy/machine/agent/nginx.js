// nginx before the program, where the manifest says so: it has the service's port, and the program listens on 127.0.0.1.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { makeFolder } = require('./users')
const { quietly, which } = require('./runner')
const { enable, systemd, writeUnit } = require('./systemd')
const { config, unit } = require('./nginx_config')
const { replaceFile } = require('./write')

const UNIT = 'awsdeploy-nginx.service'
const ATTEMPTS = [0, 5, 20] // s before each attempt to install
const ROTATION = /^( *create) .*/gm

/** @typedef {import('./settings').Settings} Settings */

/**
 * Install and configure nginx. The first release that wants it installs it: machines need not be replaced.
 * @param {import('./context').Run} run
 */
async function needNginx(run) {
  const { settings, manifest } = run
  if (!manifest.behind) return
  run.report.begin('nginx')
  await install(run)
  // The CloudWatch agent reads these logs as a user of its own.
  const rotation = `${settings.root}/etc/logrotate.d/nginx`
  if (fs.existsSync(rotation)) {
    const text = fs.readFileSync(rotation, 'utf8')
    const wanted = text.replace(ROTATION, '$1 0644 nginx root')
    if (wanted !== text) run.orBroken(`${rotation} cannot be written.`, () => replaceFile(rotation, wanted))
  }
  const fresh = `${settings.nginxConfig}.new`
  const text = config(settings, manifest.port || 0, manifest.behind)
  run.orBroken("nginx's configuration cannot be written.", () => {
    for (const file of [settings.nginxConfig, settings.nginxPid]) fs.mkdirSync(path.dirname(file), { recursive: true })
    makeFolder(settings.nginxLogs, 0o755)
    fs.writeFileSync(fresh, text)
  })
  const status = await run.runner.run(['nginx', '-t', '-q', '-c', fresh])
  if (status !== 0) run.broken(status, 'nginx refuses its configuration.', `Check ${fresh}.`)
  if (systemd(settings.root)) writeUnit(settings.units, UNIT, unit(settings, which('nginx')))
  await useConfig(run, fresh, text)
}

/** @param {import('./context').Run} run */
async function install(run) {
  if (quietly(['nginx', '-v']) === 0) return
  const yum = ['yum', 'install', '--assumeyes', '--quiet', 'nginx']
  const program = which('amazon-linux-extras') ? ['amazon-linux-extras', 'install', '-y', 'nginx1'] : yum
  let status = 0
  for (const pause of ATTEMPTS) {
    await run.cancellation.sleep(pause)
    run.report.relay('installing nginx')
    status = await run.runner.run(program)
    if (quietly(['nginx', '-v']) === 0) return
  }
  const remedy = 'Can the machine reach the internet? Deploy again, or set nginx = false.'
  run.broken(status || 127, 'nginx could not be installed.', remedy)
}

/**
 * Only where something differs: a reload closes idle connections, which the load balancer may be about to use.
 * @param {import('./context').Run} run
 * @param {string} fresh
 * @param {string} text
 */
async function useConfig(run, fresh, text) {
  const { nginxConfig } = run.settings
  if (fs.existsSync(nginxConfig) && fs.readFileSync(nginxConfig, 'utf8') === text) {
    fs.rmSync(fresh)
    return
  }
  run.orBroken("nginx's configuration cannot be written.", () => fs.renameSync(fresh, nginxConfig))
  if (!runs(run.settings)) return
  const status = await run.runner.run(['nginx', '-s', 'reload', '-c', nginxConfig])
  if (status !== 0) run.broken(status, 'nginx could not be reloaded.')
}

/** @param {Settings} settings */
function runs({ root, nginxPid }) {
  if (systemd(root)) return quietly(['systemctl', 'is-active', '--quiet', UNIT]) === 0
  try {
    const pid = Number(fs.readFileSync(nginxPid, 'utf8'))
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * Return the argument list that starts nginx.
 * @param {Settings} settings
 */
function startCommand({ root, nginxConfig }) {
  return systemd(root) ? ['systemctl', 'start', UNIT] : ['nginx', '-c', nginxConfig]
}

/** @param {Settings} settings */
async function stop(settings) {
  if (!runs(settings)) return
  if (systemd(settings.root)) {
    quietly(['systemctl', 'stop', UNIT])
    return
  }
  const end = performance.now() + 5000
  quietly(['nginx', '-s', 'quit', '-c', settings.nginxConfig])
  while (runs(settings) && performance.now() < end + 5000) {
    if (performance.now() > end) quietly(['nginx', '-s', 'stop', '-c', settings.nginxConfig])
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/**
 * Start nginx at each boot, or no longer. In the moment between PM2's list and this a reboot would find one without the other.
 * @param {Settings} settings
 * @param {boolean} wanted
 */
function keepNginx(settings, wanted) {
  if (!systemd(settings.root)) return
  if (wanted) enable(UNIT)
  else if (fs.existsSync(path.join(settings.units, UNIT))) quietly(['systemctl', 'disable', '--quiet', UNIT])
}

module.exports = { needNginx, runs, startCommand, stop, keepNginx }
