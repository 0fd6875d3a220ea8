// The start and the end of a run. Lines that begin with @ are for programs: `@step NAME`, and at the end always
// `@outcome {…}`.
// @ts-check
'use strict'
const fs = require('fs')
const { settings: parsed, USAGE } = require('./settings')
const { asUser, makeFolder, ownFolder, users: found } = require('./users')
const { Failure, Report, json, outcomeLine } = require('./report')
const { Cancellation, Cancelled } = require('./cancellation')
const { Runner, quietly, which } = require('./runner')
const { Run } = require('./context')
const { COMMANDS } = require('./commands')
const { lock, time } = require('./lock')
const { rotateLogs } = require('./log_rotation')
const { adopt, completeOnes, current } = require('./releases')
const { removeCandidateFiles, stopCandidate } = require('./check')
const { removeAccess } = require('./git')
const { goBack } = require('./switch')
const { diagnose } = require('./failures')
const { tagInstance } = require('./instance')

const VERSION = 1
const TOOLS = ['node', 'npm', 'pm2', 'aws', 'tar']
const INTERRUPTED = {
  exec: new Cancelled('The command was interrupted.', 'Run it again.'),
  release: new Cancelled('The release was interrupted.', 'Run the same command again.'),
}

/** @param {string[]} words */
async function main(words) {
  const settings = parsed(words, process.env)
  if (!settings) {
    process.stderr.write(USAGE)
    process.exitCode = 2
    return
  }
  process.exitCode = 1 // also if nothing is left to wait for before the outcome has been said
  const report = new Report(settings.log)
  try {
    const users = found(process.env, settings.root)
    process.env.PM2_HOME ||= `${users.app.home}/.pm2`
    fs.mkdirSync(settings.records, { recursive: true })
    adopt(settings, users.app)
    process.exit((await (settings.command === 'releases' ? sayReleases : carryOut)(settings, users, report)) ? 0 : 1)
  } catch (error) {
    const { message: diagnosis, remedy } = failureFrom(error, report, settings.service)
    const { release } = settings
    report.say(outcomeLine({ outcome: 'failed', release, step: report.step, diagnosis, remedy, previous: '' }))
    process.exit(1)
  }
}

/** @typedef {import('./settings').Settings} Settings */
/** @typedef {ReturnType<typeof found>} Users */

/** @param {Settings} settings */
function sayReleases(settings) {
  const ids = completeOnes(settings).map(json).join(', ')
  process.stdout.write(`{"current": ${json(current(settings))}, "releases": [${ids}]}\n`)
  return true
}

/**
 * Carry out the command, say the outcome, and tell whether it is good.
 * @param {Settings} settings
 * @param {Users} users
 * @param {Report} report
 */
async function carryOut(settings, users, report) {
  const cancellation = new Cancellation(settings.alone ? INTERRUPTED.exec : INTERRUPTED.release)
  const runner = new Runner(report, cancellation, `${settings.work}/running`)
  const run = new Run(settings, users, report, cancellation, runner)
  cancellation.listen()
  const failure = await failureOf(run)
  cancellation.end()
  await finish(run, failure)
  return !failure
}

/**
 * Carry out the command, and return how it failed.
 * @param {Run} run
 * @returns {Promise<Failure | null>}
 */
async function failureOf(run) {
  const { settings, report } = run
  try {
    if (!settings.alone) await prepare(run)
    await COMMANDS[settings.command](run)
    return null
  } catch (error) {
    return failureFrom(error, report, settings.service)
  }
}

/**
 * Return the failure of an error, also of one that no step expects, such as a full disk.
 * @param {unknown} error
 * @param {Report} report
 * @param {string} service
 */
function failureFrom(error, report, service) {
  if (error instanceof Failure) return error
  report.relay(String(error))
  report.file(String(error instanceof Error && error.stack))
  const known = diagnose(report.stepText, service, report.step)
  if (known) return new Failure(known.diagnosis, known.remedy)
  return new Failure('The release agent failed.', 'Read the lines above, and deploy again.')
}

/** @param {Run} run */
async function prepare(run) {
  const { settings, report } = run
  makeFolder(settings.work, 0o700)
  makeFolder(settings.logs, 0o755)
  const { command, stack, service, release } = settings
  report.say(`release.sh ${VERSION}: ${command} ${stack.replace('/', '-')} ${service} ${release} (${time()})`)
  await lock(run)
  report.clear()
  await ready(run)
}

/** Make the folders, and end what a run that was killed may have left: a build, a candidate. @param {Run} run */
async function ready(run) {
  const { settings, report } = run
  report.step = 'tools'
  for (const tool of TOOLS) {
    if (which(tool)) continue
    const remedy = 'Run bash /opt/awsdeploy/bootstrap.sh again, or replace the machine.'
    throw new Failure(`${tool} is not on this machine.`, remedy)
  }
  await run.runner.endLeftOver()
  try {
    makeFolders(run)
    rotateLogs(settings)
  } catch (error) {
    report.keep(String(error))
    const remedy = `Check ${settings.srv} and the disk: df -h.`
    throw new Failure('The folders of the application cannot be created.', remedy)
  }
  removeAccess(run, '')
  // An older version has left its log, and where it was killed the variables of its build.
  for (const name of ['build', 'release/parameters', 'release/masks.json', 'release/step.log'])
    remove(`${settings.records}/${name}`)
  run.previous = current(settings)
  await stopCandidate(run)
}

/**
 * Where releases are, only root makes and removes folders; on older machines the application's user could.
 * @param {Run} run
 */
function makeFolders({ settings, users }) {
  const { app } = users
  const { srv, releases, shared } = settings
  const roots = (/** @type {string} */ folder) => app.name && fs.lchownSync(folder, 0, 0)
  makeFolder(srv, 0o755)
  roots(srv)
  for (const folder of [releases, shared]) if (isLink(folder)) throw new Error(`${folder} is a link`)
  makeFolder(releases, 0o755)
  roots(releases)
  ownFolder(app, 0o750, shared)
  for (const folder of [app.home, settings.appLogs]) ownFolder(app, 0o755, folder)
  asUser(app, () => makeFolder(process.env.PM2_HOME || '', 0o700))
}

/** @param {string} path */
function remove(path) {
  if (fs.existsSync(path)) quietly(['rm', '-rf', path])
}

/** @param {string} path */
function isLink(path) {
  return Boolean(fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
}

/**
 * @param {Run} run
 * @param {Failure | null} failure
 */
async function finish(run, failure) {
  const { settings, report } = run
  const { step } = report
  if (failure) {
    run.outcome = 'failed'
    if (run.switching) await goBack(run).catch(note(run, `${run.previous} could not be started again.`))
    if (run.locked) report.sayTail()
    if (run.locked && tagged(run)) await tagInstance(run, `failed ${run.id || 'none'} ${step}`)
  }
  if (settings.alone) fs.rmSync(settings.work, { recursive: true, force: true })
  else if (run.locked) await cleanUp(run).catch(note(run, 'The candidate could not be removed.'))
  const { outcome, id: release, previous } = run
  const [diagnosis, remedy] = failure ? [failure.message, failure.remedy] : ['', '']
  report.say(outcomeLine({ outcome, release, step, diagnosis, remedy, previous }))
}

/** Tell whether a failure is for the machine's tag: nobody sees a new machine fail, and a first release leaves none. @param {Run} run */
function tagged({ previous, settings: { command } }) {
  return command === 'catchup' || (!previous && ['deploy', 'join'].includes(command))
}

/**
 * Return what says this sentence instead of an error: a run always ends with its outcome.
 * @param {Run} run
 * @param {string} sentence
 */
function note({ report }, sentence) {
  return (/** @type {unknown} */ error) => {
    report.file(String(error))
    report.say(sentence)
  }
}

/** @param {Run} run */
async function cleanUp(run) {
  if (run.candidate) await stopCandidate(run)
  if (run.read) removeCandidateFiles(run)
  removeAccess(run, '')
}

module.exports = { main }
