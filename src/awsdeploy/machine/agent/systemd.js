// systemd units that a release writes, starts and stops.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { spawnSync } = require('child_process')
const { append } = require('./report')
const { quietly, which } = require('./runner')
const { replaceFile } = require('./write')

const PLACEHOLDER = 'awsdeploy-placeholder.service'

/**
 * Tell whether there is a systemd that is meant. With ROOT only one that somebody has put in its place.
 * @param {string} root
 */
function systemd(root) {
  const found = which('systemctl')
  return Boolean(found) && (!root || !/^(\/usr)?\/bin\//.test(found))
}

/**
 * Write a unit, unless it is there already, and let systemd know it. A run that was killed in the middle is made up for.
 * @param {string} folder
 * @param {string} name
 * @param {string} text
 */
function writeUnit(folder, name, text) {
  const file = path.join(folder, name)
  const same = fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text
  if (!same) {
    fs.mkdirSync(folder, { recursive: true })
    replaceFile(file, text)
  }
  if (!same || isOutdated(name)) quietly(['systemctl', 'daemon-reload'])
}

/** Tell whether systemd has an older text of a unit than its file. @param {string} name */
function isOutdated(name) {
  const { stdout } = spawnSync('systemctl', ['show', '--property=NeedDaemonReload', name], { encoding: 'utf8' })
  return (stdout || '').includes('=yes')
}

/**
 * Let a unit start at each boot.
 * @param {string} name
 */
function enable(name) {
  if (!asks('is-enabled', name)) quietly(['systemctl', 'enable', '--quiet', name])
}

/** Start a unit that does not run. @param {string} name */
function start(name) {
  if (!asks('is-active', name)) quietly(['systemctl', 'start', name])
}

/**
 * @param {'is-enabled' | 'is-active'} question
 * @param {string} name
 */
function asks(question, name) {
  return quietly(['systemctl', question, '--quiet', name]) === 0
}

/**
 * Start, stop or disable the page that answers before the first release.
 * @param {{ root: string, log: string }} settings
 * @param {'start' | 'stop' | 'disable'} verb
 */
function placeholder({ root, log }, verb) {
  if (!systemd(root)) return
  const { stdout, stderr } = spawnSync('systemctl', [verb, PLACEHOLDER], { encoding: 'utf8' })
  append(log, `${stdout}${stderr}`)
}

/** @param {string} root */
function placeholderEnabled(root) {
  return systemd(root) && asks('is-enabled', PLACEHOLDER)
}

module.exports = { systemd, writeUnit, enable, start, placeholder, placeholderEnabled }
