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
 * Write a unit, and return true if it was not there or was another.
 * @param {string} folder
 * @param {string} name
 * @param {string} text
 */
function writeUnit(folder, name, text) {
  const file = path.join(folder, name)
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return false
  fs.mkdirSync(folder, { recursive: true })
  replaceFile(file, text)
  quietly(['systemctl', 'daemon-reload'])
  return true
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
  return systemd(root) && quietly(['systemctl', 'is-enabled', '--quiet', PLACEHOLDER]) === 0
}

module.exports = { systemd, writeUnit, placeholder, placeholderEnabled }
