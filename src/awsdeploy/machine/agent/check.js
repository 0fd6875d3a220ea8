// The check step: the new release runs next to the previous one, on a port of its own, and is asked there.
// @ts-check
'use strict'
const fs = require('fs')
const { argvAs, asUser } = require('./users')
const { freePort } = require('./http')
const { LISTEN, answers, certain, listening, reachable, seen } = require('./health')
const { pm2, startDaemon } = require('./pm2')
const { Failure } = require('./report')
const { ownWords } = require('./failures')
const { endStrays, needForeground } = require('./strays')
const { writePrivate } = require('./write')
const files = require('./files')

const SHOWN = 400 // lines of the program's own log
const READ = 1 << 20 // bytes of it

/** @param {import('./context').Run} run */
async function check(run) {
  const { manifest, report } = run
  report.begin('check')
  const status = startDaemon(run)
  if (status !== 0) run.broken(status, 'PM2 cannot be started.', `Check ${process.env.PM2_HOME}/pm2.log.`)
  const port = manifest.port ? await freePort() : 0
  await writeConfig(run, port)
  if (!port) {
    report.say('A new worker is not tested next to the old one: the work would be done twice.')
    return
  }
  const since = performance.now()
  await startCandidate(run)
  const verdict = await health(run, port, run.settings.candidate)
  showLog(run, candidateLog(run), 0)
  const places = listens(run)
  if (verdict.kind !== 'ok') {
    endStrays(run, port)
    unhealthy(run, verdict, port, places)
  }
  checkAddresses(run, port, places)
  report.say(`The program answers on port ${port} after ${Math.round((performance.now() - since) / 1000)} s.`)
  await stopCandidate(run)
  needForeground(run, port)
  removeCandidateFiles(run)
}

/**
 * Fail if the load balancer could not reach the program; say so if more can than need to.
 * @param {import('./context').Run} run
 * @param {number} port
 * @param {{ port: string, address: string }[]} places
 */
function checkAddresses({ manifest, report }, port, places) {
  const open = reachable(places, port)
  if (!manifest.behind && !open) {
    throw new Failure('The program listens on 127.0.0.1 only, where the load balancer cannot reach it.', LISTEN)
  }
  if (manifest.behind && places.length && open) {
    const instead = 'Behind nginx, 127.0.0.1 is enough: make it listen on process.env.HOSTNAME.'
    report.say(`note: the program listens on every address. ${instead}`)
  }
}

/**
 * Write what PM2 is to run, and the same as a candidate on this port.
 * @param {import('./context').Run} run
 * @param {number} port 0 for a worker, which is not tested
 */
async function writeConfig(run, port) {
  const { settings, users, kept } = run
  const hook = `${settings.shared}/listens.js`
  const candidate = {
    file: `${kept}/candidate.json`,
    log: candidateLog(run),
    listens: `${kept}/listens`,
    port: String(port),
    hook,
  }
  const input = {
    variables: run.sets.environment,
    root: run.folder,
    at: run.at,
    manifest: run.manifest,
    logs: settings.appLogs,
    service: settings.service,
    node: run.node,
    file: `${kept}/pm2.next.json`,
    candidate: port ? candidate : null,
  }
  asUser(users.app, () => {
    removeFiles([candidate.log, candidate.listens])
    if (!port) return
    writePrivate(candidate.log, '') // a program that crashes often says what is in its environment
    fs.writeFileSync(hook, files['listen_hook.js'])
  })
  const status = await run.runner.program('start_config.js', input, (argv) => argvAs(users.app, argv))
  if (status === 0) return
  run.broken(status, "The program's start configuration is not valid.", 'Fix ecosystem.config.js or package.json.')
}

/** @param {import('./context').Run} run */
async function startCandidate(run) {
  run.candidate = true
  const output = (/** @type {string} */ line) => run.report.keep(line)
  const { candidate } = run.settings
  const what = /** @type {const} */ ({ action: 'apply', file: `${run.kept}/candidate.json`, candidate })
  const { status } = await pm2(run, what, { output, finish: true })
  if (status !== 0) run.broken(status, 'PM2 could not start the program.', 'Check ecosystem.config.js.')
}

/** @param {import('./context').Run} run */
async function stopCandidate(run) {
  await pm2(run, { action: 'delete', candidate: run.settings.candidate })
  run.candidate = false
}

/** @param {import('./context').Run} run */
function removeCandidateFiles(run) {
  const { kept } = run
  asUser(run.users.app, () => removeFiles([`${kept}/candidate.json`, `${kept}/listens`, candidateLog(run)]))
}

/** @param {string[]} paths */
function removeFiles(paths) {
  for (const path of paths) fs.rmSync(path, { force: true })
}

/** @param {import('./context').Run} run */
function candidateLog(run) {
  return `${run.kept}/candidate.log`
}

/**
 * Ask a program until it is healthy, and say what came of it.
 * @param {import('./context').Run} run
 * @param {number} port
 * @param {string} name of its processes, or nothing if PM2 does not have it
 */
async function health(run, port, name) {
  run.cancellation.check()
  const verdict = await answers({
    port,
    check: run.manifest,
    patience: run.settings.patience,
    sleep: (seconds) => run.cancellation.sleep(seconds),
    runs: name ? () => online(run, name) : null,
  })
  run.cancellation.check()
  run.report.relay(`health: ${[verdict.kind, verdict.detail].filter(Boolean).join(' ')}`)
  return verdict
}

/**
 * Tell whether all processes of this name run; also where PM2 does not say.
 * @param {import('./context').Run} run
 * @param {string} name
 */
async function online(run, name) {
  const { status, processes } = await pm2(run, { action: 'list' })
  const all = processes.filter((one) => one.name === name)
  return status !== 0 || (all.length > 0 && all.every((one) => one.status === 'online'))
}

/**
 * Fail with the reason why a program is not healthy: what it said itself comes before what was seen from outside.
 * @param {import('./context').Run} run
 * @param {import('./health').Verdict} verdict
 * @param {number} port
 * @param {{ port: string, address: string }[]} places on which it listens
 * @returns {never}
 */
function unhealthy(run, verdict, port, places) {
  const { manifest, settings } = run
  const sure = certain(verdict, manifest.health)
  if (sure) throw new Failure(...sure)
  run.failKnown()
  const others = places.map((one) => one.port).filter((one) => one !== String(port))
  const about = {
    path: manifest.health,
    codes: manifest.health_status,
    patience: settings.patience,
    elsewhere: others.sort()[0] || '',
    addresses: places.filter((one) => one.port === String(port)).map((one) => one.address),
    nginx: manifest.behind ? manifest.port : null,
    words: ownWords(run.report.stepText),
  }
  throw new Failure(...seen(verdict, about))
}

/** @param {import('./context').Run} run */
function listens(run) {
  const text = asUser(run.users.app, () => tail(`${run.kept}/listens`, 0))
  return listening(text)
}

/**
 * Put the end of a program's own log into the step's log.
 * @param {import('./context').Run} run
 * @param {string} file
 * @param {number} from byte
 */
function showLog(run, file, from) {
  const lines = asUser(run.users.app, () => tail(file, from)).split('\n')
  if (lines[lines.length - 1] === '') lines.pop()
  for (const line of lines.slice(-SHOWN)) run.report.note(line)
}

/**
 * Return the end of a file, and nothing of one that cannot be read. It must be no reason to wait (a named pipe).
 * @param {string} file
 * @param {number} from byte
 */
function tail(file, from) {
  try {
    const descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    try {
      const { size } = fs.fstatSync(descriptor)
      const start = Math.max(from, size - READ)
      const buffer = Buffer.alloc(Math.max(0, size - start))
      return buffer.toString('utf8', 0, fs.readSync(descriptor, buffer, 0, buffer.length, start))
    } finally {
      fs.closeSync(descriptor)
    }
  } catch {
    return ''
  }
}

module.exports = { check, health, unhealthy, showLog, tail, listens, stopCandidate, removeCandidateFiles }
