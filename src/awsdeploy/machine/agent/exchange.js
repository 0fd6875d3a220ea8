// Program that lets one release take the place of another, with nginx. It runs in a process of its own, so that it comes to
// its end even if the run is killed in the middle.
// @ts-check
'use strict'
const { spawnSync } = require('child_process')
const { Runner } = require('./runner')
const { Report } = require('./report')
const { Cancellation, Cancelled } = require('./cancellation')
const { isFree } = require('./http')
const { pm2 } = require('./pm2')
const { placeholder } = require('./systemd')
const nginx = require('./nginx')

const LONGEST = 75_000 // ms until the port must be free
const PAUSE = 20 // ms

/**
 * @typedef {object} Input
 * @property {'exchange' | 'take over'} kind
 * @property {import('./settings').Settings} settings
 * @property {ReturnType<typeof import('./users').users>} users
 * @property {string} previous
 * @property {string} [file] what is to run; empty for nothing
 * @property {number | null} [behind]
 * @property {number | null} [port] the service's
 */

/** @param {Input} input */
function main(input) {
  process.stdout.on('error', () => {})
  const work = input.kind === 'exchange' ? exchange(input) : takeOver(input)
  work.then((status) => process.exit(status))
}

/**
 * A program that had the port itself releases it in the middle of its reload: nginx waits for that moment.
 * @param {Input} input
 * @returns {Promise<number>}
 */
async function exchange({ settings, users, previous, file = '', behind, port }) {
  const report = new Report('/dev/null')
  const runner = new Runner(report, new Cancellation(new Cancelled('', '')), '')
  const moment = { over: false }
  let taking = Promise.resolve()
  if (!behind) await nginx.stop(settings)
  else if (previous && !nginx.runs(settings)) taking = startWhenFree(settings, port || 0, moment)
  const run = { settings, users, runner }
  const { status, processes } = await pm2(run, { action: 'apply', file }, { output: console.log })
  moment.over = status !== 0
  await taking
  console.log(`@result ${JSON.stringify(processes)}`)
  return status
}

/**
 * @param {import('./settings').Settings} settings
 * @param {number} port
 * @param {{ over: boolean }} moment
 */
async function startWhenFree(settings, port, moment) {
  for (
    const end = performance.now() + LONGEST;
    !(await isFree(port));
    await new Promise((next) => setTimeout(next, PAUSE))
  ) {
    if (moment.over || performance.now() > end) return
  }
  if (!moment.over) start(settings)
}

/**
 * Before the first release the placeholder has the port: it stops when the program answers, and nginx starts at once.
 * @param {Input} input
 */
async function takeOver({ settings, previous }) {
  if (nginx.runs(settings)) return 0
  if (!previous) placeholder(settings, 'stop')
  return start(settings)
}

/** @param {import('./settings').Settings} settings */
function start(settings) {
  const [program, ...words] = nginx.startCommand(settings)
  return spawnSync(program, words, { stdio: ['ignore', 1, 1] }).status ?? 127
}

module.exports = { main }
