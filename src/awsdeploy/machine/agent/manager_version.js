// Version of the package manager: as package.json says it, else by the lock file. Versions are read as npm reads them.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { which } = require('./runner')
const { isFolder } = require('./users')

/** @typedef {{ exact: string, range: string }} Wish */
/** @typedef {{ validRange: Function, intersects: Function, subset: Function, Range: any }} Semver */

/** @type {Record<string, string[]>} by the form of the lock file */
const PNPM = { 5: ['7', '6'], 6: ['8'], 9: ['10', '9'] }
/** @type {Record<string, string[]>} by the form of the lock file; newer forms are those of the newest yarn 4 */
const YARN = { 4: ['3.0'], 5: ['3.1'], 6: ['3'], 8: ['4.13'], 9: ['4.14'] }

/** Return the versions of pnpm that read a lock file, the usual one first. @param {string} lock */
function pnpmByLock(lock) {
  const form = (/lockfileVersion: .?(\d)/.exec(lock) || [])[1]
  return PNPM[form] || PNPM[9]
}

/**
 * Return the newest version of yarn that writes such a lock file: `--immutable` refuses one that it would write differently.
 * @param {string} lock
 */
function yarnByLock(lock) {
  const form = (/^ {2}version: (\d+)/m.exec(lock) || [])[1]
  return YARN[form] || ['4']
}

/**
 * Return the folder of npm: of the Node.js in a folder of programs, else of the machine's own.
 * @param {string} [node]
 */
function npmFolder(node) {
  const file = node && fs.existsSync(`${node}/npm`) ? `${node}/npm` : which('npm')
  const place = path.join(path.dirname(fs.realpathSync(file)), '..') // a link leads into npm
  return [path.join(place, 'lib/node_modules/npm'), place].find(isFolder) || place
}

/** Return npm's reader of versions, or null. @returns {Semver | null} */
function semverOfNpm() {
  try {
    return require(path.join(npmFolder(), 'node_modules/semver'))
  } catch {
    return null
  }
}

/**
 * Return the version of npm, or nothing.
 * @param {string} node folder with the programs of a Node.js, empty for the machine's own
 * @returns {string}
 */
function npmVersion(node) {
  try {
    return require(path.join(npmFolder(node), 'package.json')).version
  } catch {
    return ''
  }
}

/**
 * Return what package.json says of a manager: `packageManager`, then Volta, decide exactly; `engines` gives a range. Of
 * several package.json files the nearest decides.
 * @param {any[]} packages the service's package.json, then those above it
 * @param {string} name
 * @returns {Wish}
 */
function wish(packages, name) {
  const first = (/** @type {(own: any) => unknown} */ of) =>
    String(packages.map(of).find((one) => typeof one === 'string' && one) || '')
  const [manager, version = ''] = first((own) => own?.packageManager)
    .split('+')[0]
    .split('@')
  return {
    exact: manager === name ? version : manager ? '' : first((own) => own?.volta?.[name]),
    range: first((own) => own?.engines?.[name]),
  }
}

/**
 * Return the version to install: the exact one, else the first of these major versions that is in the range, else the
 * newest in the range.
 * @param {Wish} wanted
 * @param {string[]} majors
 * @param {Semver | null} [semver]
 */
function fitting({ exact, range }, majors, semver = semverOfNpm()) {
  if (exact || !range || !semver?.validRange(range)) return exact || majors[0]
  const major = majors.find((one) => semver.intersects(range, `${one}.x`))
  if (!major) return range
  if (semver.subset(`${major}.x`, range)) return major
  const alternatives = new semver.Range(range).set.map((/** @type {object[]} */ all) => all.join(' '))
  return alternatives
    .filter((/** @type {string} */ one) => semver.intersects(one, `${major}.x`))
    .map((/** @type {string} */ one) => `${one} ${major}.x`)
    .join(' || ')
}

/**
 * Return the version of npm to install, or nothing if the one of Node.js will do: its major version decides.
 * @param {Wish} wanted
 * @param {string} own version of that one
 * @param {Semver | null} [semver]
 */
function npmToInstall({ exact, range }, own, semver = semverOfNpm()) {
  const asked = exact || range
  const major = own.split('.')[0]
  return !major || !semver?.validRange(asked) || semver.intersects(asked, `${major}.x`) ? '' : asked
}

/**
 * Return the version of Node.js that the manager is told instead of the real one: of the same major version, and one that
 * `engines` of package.json allows. Nothing if the real one is allowed.
 * @param {any[]} packages the service's package.json, then those above it
 * @param {string} actual
 * @param {any} [semver]
 */
function toldNode(packages, actual, semver = semverOfNpm()) {
  const range = packages.map((own) => own?.engines?.node).find(Boolean)
  if (!semver?.validRange(range) || !semver.valid(actual) || semver.satisfies(actual, range)) return ''
  return String(semver.minVersion(fitting({ exact: '', range }, [String(semver.major(actual))], semver)))
}

module.exports = { toldNode, npmVersion, wish, fitting, npmToInstall, semverOfNpm, pnpmByLock, yarnByLock }
