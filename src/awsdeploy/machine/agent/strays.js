// Processes of releases that have left PM2 (a program that goes to the background) and listen on a port all the same: they
// would answer in place of every later release, and no reload or restart reaches them.
// @ts-check
'use strict'
const fs = require('fs')
const { asUser } = require('./users')
const { killProcess } = require('./runner')
const { daemon } = require('./pm2')
const { Failure } = require('./report')

const LISTEN = '0A' // state in /proc/net/tcp

/**
 * End the processes of the new release on this port that have left PM2, and tell whether there were any.
 * @param {import('./context').Run} run
 * @param {number} port
 */
function endStrays(run, port) {
  const found = straysOf(run, port)
  found.forEach(killProcess)
  return found.length > 0
}

/**
 * Fail if a process of the new release on this port has left PM2.
 * @param {import('./context').Run} run
 * @param {number} port
 */
function needForeground(run, port) {
  if (!endStrays(run, port)) return
  const remedy = 'Start it in the foreground: without `&`, nohup or an option such as --daemon.'
  throw new Failure('The program goes to the background, where PM2 cannot restart or stop it.', remedy)
}

/**
 * Fail if a process that has left PM2 has the service's port.
 * @param {import('./context').Run} run
 * @param {number} port
 */
function needNoStray(run, port) {
  const [pid] = straysOf(run, port)
  if (!pid) return
  const stop = `\`awsdeploy exec ${run.settings.service} -- kill ${pid}\``
  throw new Failure(
    `Port ${port} is taken by process ${pid}, which PM2 does not control.`,
    `Stop it: ${stop}, then deploy again.`,
  )
}

/**
 * @param {import('./context').Run} run
 * @param {number} port
 */
function straysOf({ settings, users }, port) {
  const { pid } = asUser(users.app, daemon)
  return pid ? strays(settings.releases, port, pid) : []
}

/**
 * Return the processes that run in a folder of the releases, listen on this port, and are not below PM2's daemon. Only
 * Linux says which they are.
 * @param {string} releases
 * @param {number} port
 * @param {number} master process of PM2
 * @returns {number[]}
 */
function strays(releases, port, master) {
  const sockets = new Set(['tcp', 'tcp6'].flatMap((name) => listening(text(`/proc/net/${name}`), port)))
  if (!sockets.size) return []
  const real = read(() => fs.realpathSync(releases)) || releases
  const pids = (read(() => fs.readdirSync('/proc')) || []).filter((name) => /^\d+$/.test(name)).map(Number)
  return pids.filter(
    (pid) =>
      `${read(() => fs.readlinkSync(`/proc/${pid}/cwd`))}/`.startsWith(`${real}/`) &&
      !isBelow(pid, master) &&
      (read(() => fs.readdirSync(`/proc/${pid}/fd`)) || []).some((one) =>
        sockets.has(read(() => fs.readlinkSync(`/proc/${pid}/fd/${one}`)) || ''),
      ),
  )
}

/**
 * Return the names that the listening sockets of a port have among the files of a process.
 * @param {string} table of /proc/net/tcp
 * @param {number} port
 */
function listening(table, port) {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return rows.filter((row) => row[1]?.endsWith(end) && row[3] === LISTEN).map((row) => `socket:[${row[9]}]`)
}

/**
 * @param {number} pid
 * @param {number} ancestor
 */
function isBelow(pid, ancestor) {
  for (let at = pid; at > 1; at = parent(at)) if (at === ancestor) return true
  return false
}

/** @param {number} pid */
function parent(pid) {
  return Number(/^PPid:\s*(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] || 0)
}

/** @param {string} file */
function text(file) {
  return read(() => fs.readFileSync(file, 'utf8')) || ''
}

/**
 * Return nothing for a process that has ended meanwhile.
 * @template T
 * @param {() => T} work
 */
function read(work) {
  try {
    return work()
  } catch {
    return null
  }
}

module.exports = { endStrays, needForeground, needNoStray, strays, listening }
