// The commands: deploy, join, rollback, restart, catchup, exec, tables and rows. Each is a sequence of steps.
// @ts-check
'use strict'
const fs = require('fs')
const { argvAs, asUser, makeFolder } = require('./users')
const { complete, current, tidy } = require('./releases')
const { fetchCode, fetchManifest, currentInBucket } = require('./source')
const { environment, readVariables } = require('./environment')
const { build, install, managerOf } = require('./build')
const { needNode, removeUnused } = require('./node_version')
const { needNginx, runs: nginxRuns } = require('./nginx')
const { check } = require('./check')
const { put } = require('./switch')
const { pm2, serves } = require('./pm2')
const { tagInstance } = require('./instance')
const { parseJson } = require('./json')
const { Failure } = require('./report')
const { missingTool } = require('./missing_tools')
const { shell } = require('./package_manager')
const { NAME } = require('./settings')
const { count } = require('./count')

/** @typedef {import('./context').Run} Run */

/** @param {Run} run */
async function deploy(run) {
  const { settings } = run
  await fetchManifest(run)
  if (await alreadyRuns(run)) {
    run.outcome = 'unchanged'
    await tagInstance(run, run.id)
    return
  }
  const fresh = !complete(settings, run.id)
  await needNode(run)
  if (fresh) await fetchCode(run)
  await environment(run)
  await needNginx(run)
  if (fresh) {
    await install(run)
    await build(run)
  }
  await start(run)
}

/** @param {Run} run */
async function alreadyRuns(run) {
  const { settings, manifest } = run
  if (run.previous !== run.id || !complete(settings, run.id)) return false
  const { processes } = await pm2(run, { action: 'list' })
  return serves(processes, settings.releases, run.folder) && (!manifest.behind || nginxRuns(settings))
}

/** From a built release to one that runs. @param {Run} run */
async function start(run) {
  await check(run)
  await put(run)
  tidy(run)
  removeUnused(run.settings)
}

/** @param {Run} run */
async function catchup(run) {
  const { service } = run.settings
  run.report.begin('fetch')
  const named = await currentInBucket(run).catch((error) => {
    if (error instanceof SyntaxError) return 'unreadable '
    throw error
  })
  if (!named) {
    run.report.say(`No release of ${service} yet.`)
    run.outcome = 'unchanged'
    return
  }
  if (!NAME.test(named)) throw new Failure(`releases/${service}/current.json contains no release.`, run.again)
  run.id = named
  await deploy(run)
}

/** @param {Run} run */
async function restart(run) {
  needRelease(run, run.previous)
  run.report.step = 'environment'
  run.readManifest(`${run.known}/manifest.json`)
  await needNode(run)
  await environment(run)
  await needNginx(run)
  await start(run)
}

/**
 * @param {Run} run
 * @param {string} id
 */
function needRelease(run, id) {
  const { service } = run.settings
  if (!id) throw new Failure('This machine has no release yet.', `Deploy one: \`awsdeploy deploy ${service}\`.`)
  run.id = id
}

/** Run a command line in the release that runs; masked like a deploy, also what runs with older values. @param {Run} run */
async function exec(run) {
  const { settings, users } = run
  run.report.step = 'exec'
  removeLeftOver(settings.records)
  needRelease(run, current(settings))
  try {
    makeFolder(settings.work, 0o700)
  } catch {
    throw new Failure(`${settings.work} cannot be created.`, 'Check the disk: df -h.')
  }
  run.readManifest(`${run.known}/manifest.json`)
  const running = asUser(users.app, () => readEnvironment(`${run.kept}/environment.json`))
  await readVariables(run, running)
  await needNode(run)
  const argv = shell(managerOf(run).program, settings.line)
  const input = { variables: running, cwd: run.at, argv, node: run.node }
  const removed = run.manifest.keep_dev ? {} : devDependencies(run)
  let missing = ''
  const output = (/** @type {string} */ line) => {
    run.report.relay(line)
    missing = missing || missingTool(line, removed)
  }
  const status = await run.runner.program('with_environment.js', input, (argv) => argvAs(users.app, argv), { output })
  const { service } = settings
  const remedy = `Set keep_dev = true in [services.${service}], then: \`awsdeploy deploy ${service}\`. Or move it to dependencies.`
  const said = `${missing} is in devDependencies, which a release does not keep after its build.`
  if (status !== 0 && missing) throw new Failure(`The command ended with ${status}. ${said}`, remedy)
  if (status !== 0) throw new Failure(`The command ended with ${status}.`, 'See its output above.')
  if (missing) run.report.say(`Note: ${said} ${remedy}`)
}

/**
 * Return the devDependencies of the service, and of the workspace around it.
 * @param {Run} run
 * @returns {Record<string, unknown>}
 */
function devDependencies(run) {
  const read = (/** @type {string} */ folder) => {
    try {
      return parseJson(fs.readFileSync(`${folder}/package.json`, 'utf8')).devDependencies
    } catch {
      return {}
    }
  }
  return asUser(run.users.app, () => ({ ...read(run.folder), ...read(run.at) }))
}

/**
 * @param {string} file
 * @returns {Record<string, string>}
 */
function readEnvironment(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    throw new Failure(`${file} cannot be read.`, 'Restart the service: `awsdeploy restart`.')
  }
}

/** Remove the folders of runs that were killed. @param {string} records */
function removeLeftOver(records) {
  for (const name of fs.readdirSync(records).filter((one) => one.startsWith('exec.'))) {
    try {
      process.kill(Number(name.slice('exec.'.length)), 0)
    } catch {
      fs.rmSync(`${records}/${name}`, { recursive: true, force: true })
    }
  }
}

/** @type {Record<string, (run: Run) => Promise<void>>} */
const COMMANDS = { deploy, join: deploy, rollback: deploy, restart, catchup, exec, tables: count, rows: count }

module.exports = { COMMANDS }
