// The users of a machine: root decides, `app` runs the application, `app-build` installs and builds.
// @ts-check
'use strict'
const fs = require('fs')
const { spawnSync } = require('child_process')

/**
 * A user; without a name it is whoever runs the agent.
 * @typedef {{ name: string, home: string, uid: number, gid: number }} User
 */

/**
 * Return the users. A machine of an older bootstrap has no builder: there the application's user installs and builds.
 * @param {NodeJS.ProcessEnv} environment
 * @param {string} root
 */
function users(environment, root) {
  const self = { name: '', home: environment.HOME || `${root}/home/app`, uid: -1, gid: -1 }
  const app = (process.getuid?.() === 0 && user('app')) || self
  const builder = (app.name && user('app-build')) || app
  return { app, builder }
}

/**
 * @param {string} name
 * @returns {User | null}
 */
function user(name) {
  if (spawnSync('id', [name]).status !== 0) return null
  const home = output(['getent', 'passwd', name]).split(':')[5] || ''
  // As runuser starts programs, whatever stands in for the users of a machine.
  const found = /^uid=(\d+).*? gid=(\d+)/.exec(output(['runuser', '-u', name, '--', '/usr/bin/id']))
  if (!found) throw new Error(`runuser cannot start a program as ${name}`)
  return { name, home, uid: Number(found[1]), gid: Number(found[2]) }
}

/** @param {string[]} argv */
function output(argv) {
  return spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' }).stdout || ''
}

/**
 * Return the argument list that starts a program as this user.
 * @param {User} user
 * @param {string[]} argv
 */
function argvAs(user, argv) {
  return user.name ? ['runuser', '-u', user.name, '--', 'env', `HOME=${user.home}`, ...argv] : argv
}

/**
 * Do file operations with the rights of this user, and no more. The work must not wait and must not start a program.
 * @template T
 * @param {User} user
 * @param {() => T} work
 * @returns {T}
 */
function asUser(user, work) {
  if (!user.name || user.uid === process.geteuid?.()) return work()
  const groups = process.getgroups?.() || []
  process.setgroups?.([user.gid])
  process.setegid?.(user.gid)
  process.seteuid?.(user.uid)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
    process.setgroups?.(groups)
  }
}

/**
 * Make a folder of this user; one that is there keeps its mode. Only root may be able to write in the folder above.
 * @param {User} user
 * @param {number} mode
 * @param {string} folder
 */
function ownFolder(user, mode, folder) {
  if (isFolder(folder)) return
  makeFolder(folder, mode)
  if (user.name) fs.lchownSync(folder, user.uid, user.gid)
}

/**
 * Make a folder with this mode, which one that is there gets too.
 * @param {string} folder
 * @param {number} mode
 */
function makeFolder(folder, mode) {
  fs.mkdirSync(folder, { recursive: true })
  fs.chmodSync(folder, mode)
}

/** @param {string} path */
function isFolder(path) {
  return Boolean(found(path)?.isDirectory())
}

/** @param {string} path */
function isFile(path) {
  return Boolean(found(path)?.isFile())
}

/** @param {string} path */
function found(path) {
  try {
    return fs.statSync(path)
  } catch {
    return null
  }
}

module.exports = { users, argvAs, asUser, ownFolder, makeFolder, isFolder, isFile }
