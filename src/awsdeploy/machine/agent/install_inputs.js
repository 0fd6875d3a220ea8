// What an install depends on: the lock file, the packages' own files, settings of the managers, schemas that packages read.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { parseJson } = require('./json')

const MODULES = 'node_modules'
const NEVER = [MODULES, '.git']
const MOST = 20000 // files and folders; a larger repository is installed each time
// What an install depends on: packages and their patches, lock files, settings of the managers.
const INPUTS =
  /^(package\.json|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|\.[\w-]*rc(\.\w+)?|.*\.(patch|diff))$/
// What packages read when they are installed, wherever in the repository it is.
const SCHEMAS = /^(.*\.prisma|prisma\.config\.\w+)$/
const OWN_SCRIPTS = ['preinstall', 'install', 'postinstall']

/**
 * Return the files that decide what an install gives, each with its text; null if they are not all of it.
 * @param {string} root of the release
 * @param {import('./package_manager').Manager} manager
 * @returns {[name: string, text: string][] | null}
 */
function inputsOf(root, { folder, tool }) {
  const found = files(root)
  if (found.length > MOST) return null
  const below = path.relative(root, folder)
  const inside = (/** @type {string} */ name) => !below || name.startsWith(`${below}/`)
  const isInput = (/** @type {string} */ name) => INPUTS.test(path.basename(name)) && inside(name)
  /** @type {[string, string][]} */
  const texts = found
    .filter((name) => isInput(name) || SCHEMAS.test(path.basename(name)))
    .map((name) => [name, readText(path.join(root, name))])
  const top = path.join(below, 'package.json')
  const packages = texts.filter(([name]) => path.basename(name) === 'package.json')
  const isUnclear = (/** @type {[string, string]} */ [name, text]) =>
    copiesFolders(text) || (name !== top && hasScripts(text))
  if (tool === 'yarn' && packages.some(isUnclear)) return null
  return texts.some(([, text]) => /^\s*install-links\s*=\s*true/m.test(text)) ? null : texts
}

/**
 * Return the text of a file, nothing for a link that leads nowhere.
 * @param {string} file
 */
function readText(file) {
  try {
    return fs.readFileSync(file, 'latin1') // every byte
  } catch {
    return ''
  }
}

/**
 * Tell whether yarn copies folders of the repository into the packages (`file:`): they change without the lock file. npm
 * makes links.
 * @param {string} text of a package.json
 */
function copiesFolders(text) {
  return /"(?:file:|\.\.?\/)(?![^"]*\.t(?:ar\.)?gz")/.test(dependencies(text))
}

/**
 * Return the versions of the dependencies in a package.json, as text.
 * @param {string} text
 */
function dependencies(text) {
  const own = parsed(text)
  return JSON.stringify([own.dependencies, own.devDependencies, own.optionalDependencies, own.resolutions])
}

/**
 * Tell whether a package of a workspace has scripts for its installation. yarn does not run them if the packages are there.
 * @param {string} text of a package.json
 */
function hasScripts(text) {
  const { scripts } = parsed(text)
  return OWN_SCRIPTS.some((name) => scripts?.[name])
}

/** @param {string} text */
function parsed(text) {
  try {
    return parseJson(text) || {}
  } catch {
    return {}
  }
}

/**
 * Return the files and links below a folder, without packages: a little more than MOST of them at most.
 * @param {string} top
 */
function files(top) {
  /** @type {string[]} */
  const found = []
  const open = ['']
  for (let folder = open.pop(); folder !== undefined && found.length + open.length <= MOST; folder = open.pop()) {
    for (const entry of entries(path.join(top, folder))) {
      const name = path.join(folder, entry.name)
      if (entry.isDirectory() && !NEVER.includes(entry.name)) open.push(name)
      else if (!entry.isDirectory()) found.push(name)
    }
  }
  return open.length ? Array(MOST + 1).fill('') : found.sort()
}

/**
 * Return what is in a folder; nothing if its name is not UTF-8: then no name below is one that matters.
 * @param {string} folder
 */
function entries(folder) {
  try {
    return fs.readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

module.exports = { inputsOf, files }
