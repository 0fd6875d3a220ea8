// The releases on this machine: which are complete, which one runs, and which are kept.
// @ts-check
'use strict'
const fs = require('fs')
const { asUser, isFile, isFolder, makeFolder } = require('./users')
const { quietly } = require('./runner')
const { NAME } = require('./settings')
const { replaceFile } = require('./write')

/** @typedef {import('./settings').Settings} Settings */

/**
 * Return the release that runs, or nothing.
 * @param {Settings} settings
 */
function current({ serving, releases }) {
  const id = isFile(serving) ? fs.readFileSync(serving, 'utf8').split('\n')[0] : ''
  return NAME.test(id) && isFolder(`${releases}/${id}`) ? id : ''
}

/**
 * @param {Settings} settings
 * @param {string} id
 */
function complete({ known, releases }, id) {
  return isFile(`${known}/${id}/complete`) && isFolder(`${releases}/${id}`)
}

/**
 * Return the complete releases, newest first: their names begin with the time.
 * @param {Settings} settings
 */
function completeOnes(settings) {
  const names = isFolder(settings.known) ? fs.readdirSync(settings.known) : []
  return names
    .filter((id) => complete(settings, id))
    .sort()
    .reverse()
}

/**
 * Take over the releases of a machine on which an older version kept everything in the application's folders: once.
 * @param {Settings} settings
 * @param {import('./users').User} app
 */
function adopt(settings, app) {
  const { known, releases, shared, serving } = settings
  if (isFolder(known)) return
  const fresh = `${known}.${process.pid}` // another run may do the same
  makeFolder(fresh, 0o700)
  const folders = isFolder(releases) ? fs.readdirSync(releases) : []
  for (const id of folders.filter((name) => NAME.test(name))) {
    const read = () => isFile(`${shared}/${id}/complete`) && fs.readFileSync(`${shared}/${id}/manifest.json`, 'utf8')
    const manifest = orNothing(() => asUser(app, read))
    if (!manifest) continue
    makeFolder(`${fresh}/${id}`, 0o700)
    fs.writeFileSync(`${fresh}/${id}/manifest.json`, manifest)
    fs.writeFileSync(`${fresh}/${id}/complete`, '')
  }
  const link = orNothing(() => asUser(app, () => fs.readlinkSync(settings.current))) || ''
  const id = link.split('/').pop() || ''
  if (NAME.test(id)) replaceFile(serving, `${id}\n`)
  try {
    fs.renameSync(fresh, known)
  } catch (error) {
    if (!isFolder(known)) throw error
    fs.rmSync(fresh, { recursive: true })
  }
}

/**
 * @template T
 * @param {() => T} work
 * @returns {T | null}
 */
function orNothing(work) {
  try {
    return work()
  } catch {
    return null
  }
}

/**
 * Return the names that are not kept: the newest complete ones are, and the one that runs.
 * @param {string[]} names
 * @param {string[]} complete newest first
 * @param {number} keep
 * @param {string} running
 */
function surplus(names, complete, keep, running) {
  const kept = new Set([...complete.slice(0, keep), running])
  return [...new Set(names)].filter((name) => !kept.has(name)).sort()
}

/** Remove what is not kept. The release runs already, so that nothing here makes it a failed one. @param {import('./context').Run} run */
function tidy(run) {
  run.report.begin('tidy')
  try {
    removeSurplus(run)
  } catch (error) {
    run.report.say(`An old release could not be removed: ${error}`)
  }
}

/** @param {import('./context').Run} run */
function removeSurplus(run) {
  const { settings } = run
  const names = [settings.releases, settings.known].flatMap((folder) => fs.readdirSync(folder))
  for (const name of surplus(names, completeOnes(settings), run.manifest.keep, run.id)) {
    asUser(run.users.app, () => fs.rmSync(`${settings.shared}/${name}`, { recursive: true, force: true }))
    quietly(['rm', '-rf', `${settings.releases}/${name}`]) // not by ourselves: the folder may change meanwhile
    fs.rmSync(`${settings.known}/${name}`, { recursive: true, force: true })
    run.report.say(`removed ${name}`)
  }
}

module.exports = { current, complete, completeOnes, adopt, surplus, tidy }
