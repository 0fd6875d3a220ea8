// Packages of the last install, kept for the next release with the same lock file: copying them is quicker than installing.
// They belong to the builder, so that the application cannot change what a later build runs.
// @ts-check
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const { argvAs, asUser, isFolder, ownFolder } = require('./users')
const { files, inputsOf } = require('./install_inputs')
const { quietly } = require('./runner')

const MODULES = 'node_modules'

/** @typedef {import('./context').Run} Run */

/**
 * Return the key of an install: the same key, the same packages. Nothing for a manager whose own store is as quick (pnpm,
 * yarn 2), for an install without a lock file, and where the packages depend on other files too.
 * @param {Run} run
 * @returns {string}
 */
function keyOf(run) {
  const { manager, nodeVersion, sets } = run
  if (!manager || !['npm', 'yarn'].includes(manager.tool)) return ''
  const inputs = asUser(run.users.app, () => inputsOf(run.folder, manager))
  if (!inputs) return ''
  const variables = JSON.stringify({ ...sets.install, RELEASE_ID: '' }) // the others stay the same
  const hash = crypto.createHash('sha256')
  const part = (/** @type {string | Buffer} */ text) => hash.update(`${text.length}\n`).update(text)
  for (const text of [manager.program.join(' '), nodeVersion, process.arch, variables]) part(text)
  for (const [name, text] of inputs) [name, text].forEach(part)
  return hash.digest('hex')
}

/**
 * Copy the packages of the last install into the release, and tell whether they are there.
 * @param {Run} run
 * @param {string} key
 */
function restore(run, key) {
  const kept = `${run.settings.installs}/${key}`
  if (!key || !isFolder(kept) || !run.manager) return false
  const { folder } = run.manager
  if (quietly(argvAs(run.users.builder, ['cp', '-a', `${kept}/.`, folder])) !== 0) return false
  asUser(run.users.builder, () => makeProgramsExecutable(folder))
  return true
}

/**
 * Make the programs of the repository's own packages executable. An install does so when it links them; here the links are
 * there already, and the files are new.
 * @param {string} top
 */
function makeProgramsExecutable(top) {
  const real = fs.realpathSync(top)
  for (const place of moduleFolders(top).map((name) => path.join(top, name, '.bin'))) {
    if (!isFolder(place)) continue
    for (const name of fs.readdirSync(place)) {
      const file = target(path.join(place, name))
      const inside = file.startsWith(`${real}/`) && !file.slice(real.length).split('/').includes(MODULES)
      if (inside) fs.chmodSync(file, fs.statSync(file).mode | 0o111)
    }
  }
}

/**
 * Return what a link leads to, or nothing.
 * @param {string} link
 */
function target(link) {
  try {
    return fs.realpathSync(link)
  } catch {
    return ''
  }
}

/**
 * Keep the packages of this install and those of no other. Without room for them nothing is kept.
 * @param {Run} run
 * @param {string} key
 */
function keep(run, key) {
  const { settings, users, manager } = run
  if (!key || !manager) return
  const kept = `${settings.installs}/${key}`
  const as = (/** @type {string[]} */ argv) => quietly(argvAs(users.builder, argv)) === 0
  try {
    ownFolder(users.builder, 0o700, settings.installs)
  } catch {
    return // a full disk
  }
  const names = asUser(users.builder, () => fs.readdirSync(settings.installs))
  for (const name of names) as(['rm', '-rf', `${settings.installs}/${name}`])
  const fresh = `${settings.installs}/.new`
  const folders = asUser(users.builder, () => moduleFolders(manager.folder))
  const copied = folders.every((name) => {
    const into = path.join(fresh, path.dirname(name))
    return as(['mkdir', '-p', into]) && as(['cp', '-a', path.join(manager.folder, name), into])
  })
  if (!copied || !folders.length || !as(['mv', fresh, kept])) as(['rm', '-rf', fresh])
}

/**
 * Return the folders of packages: of the top, and of each package of a workspace.
 * @param {string} top
 */
function moduleFolders(top) {
  const packages = files(top).filter((name) => path.basename(name) === 'package.json')
  return packages.map((name) => path.join(path.dirname(name), MODULES)).filter((name) => isFolder(path.join(top, name)))
}

module.exports = { keyOf, restore, keep, moduleFolders }
