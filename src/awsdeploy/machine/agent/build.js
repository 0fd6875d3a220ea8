// The steps install, build and migrate: as the builder, who has no role and no part in what runs. Programs of third parties
// run here.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { argvAs, asUser, isFile } = require('./users')
const { parseJson } = require('./json')
const { quietly, which } = require('./runner')
const { keep, keyOf, restore } = require('./install_cache')
const {
  always,
  completion,
  execution,
  find,
  installation,
  nodeFor,
  program,
  removal,
  shell,
} = require('./package_manager')
const { semverOfNpm } = require('./manager_version')
const { withoutNoise } = require('./noise')
const { Failure } = require('./report')

const SMALL = 4194304 // kB of memory; below it Node.js is told how much a build may take
const FRESH = 'Run it on your computer in a fresh clone, then deploy again.'
const CI = { CI: 'true', TURBO_TELEMETRY_DISABLED: '1', NX_DAEMON: 'false' }
const FULL = /TAR_ENTRY_ERROR ENOSPC/ // npm warns of a full disk, and ends with 0

/** @typedef {import('./context').Run} Run */

/** @param {Run} run */
async function install(run) {
  const { report, manifest } = run
  report.begin('install')
  checkEngines(run)
  run.heap = manifest.memory_mb || heapLimit(memoryInfo(run.settings.root))
  const manager = (run.manager = managerOf(run))
  report.say(installedBy(manager, run.at, run.folder))
  const key = keyOf(run)
  if (restore(run, key)) {
    report.say('The lock file has not changed: the packages of the last install are used again.')
    if ((await built(run, run.sets.scripts, manager.folder, completion(manager.tool))) === 0) return
    report.say('These packages could not be completed: they are installed again.')
  }
  await installAll(run, manager)
  keep(run, key)
}

/**
 * @param {Run} run
 * @param {import('./package_manager').Manager} manager
 */
async function installAll(run, manager) {
  const { install: all, withoutScripts, scripts } = installation(manager.tool)
  // Packages bring scripts of third parties. A token that fetches private packages is gone when these run.
  const secret = JSON.stringify(run.sets.install) !== JSON.stringify(run.sets.scripts)
  const status = await built(run, run.sets.install, manager.folder, secret ? withoutScripts : all)
  const full = FULL.test(run.report.stepText)
  if (status !== 0 || full) run.broken(status || 1, `\`${manager.tool} ${all[0]}\` failed.`, FRESH)
  if (!secret) return
  const second = await built(run, run.sets.scripts, manager.folder, scripts)
  const failed = `The scripts of the packages failed: \`${manager.tool} ${scripts[0]}\`.`
  if (second !== 0) run.broken(second, failed, `These scripts do not get the build variables. ${FRESH}`)
}

/**
 * Return the package manager of the release, and how it is started.
 * @param {Run} run
 * @returns {import('./package_manager').Manager}
 */
function managerOf(run) {
  return run.orBroken('package.json cannot be read.', () =>
    asUser(run.users.app, () => {
      const found = find(run.at, run.folder, run.manifest.lock, run.node)
      const told = nodeFor(run.at, run.folder, run.nodeVersion)
      return { ...found, program: program(found, Boolean(which('yarn')), told) }
    }),
  )
}

/**
 * @param {{ tool: string, folder: string }} manager
 * @param {string} at
 * @param {string} root
 */
function installedBy({ tool, folder }, at, root) {
  const place = folder === root ? 'at the root' : `in ${path.relative(root, folder)}`
  return `installed by ${tool}${folder === at ? '' : `, from the lock file ${place}`}`
}

/**
 * Run the package manager with these variables as the builder.
 * @param {Run} run
 * @param {Record<string, string>} variables
 * @param {string} cwd
 * @param {string[]} words
 * @param {import('./runner').Options} [options]
 */
function built(run, variables, cwd, words, options = {}) {
  const argv = run.manager ? [...run.manager.program, ...always(run.manager.tool), ...words] : words
  const wrap = (/** @type {string[]} */ one) => argvAs(run.users.builder, one)
  return run.runner.program('with_environment.js', { variables, cwd, argv, heap: run.heap, node: run.node }, wrap, {
    output: withoutNoise(run.report),
    ...options,
    env: CI,
  })
}

/**
 * Compare the major version with engines.node of package.json, by npm's own rules. What a dependency wants is not compared.
 * @param {Run} run
 */
function checkEngines(run) {
  run.report.keep(`node --version: ${run.nodeVersion}`)
  const wanted = packageJson(run).engines?.node
  const semver = semverOfNpm()
  const major = run.nodeVersion.slice(1).split('.')[0]
  if (!semver?.validRange(wanted) || semver.intersects(wanted, `${major}.x`)) return
  throw new Failure(
    `package.json requires Node.js ${wanted}, but the release has ${run.nodeVersion}.`,
    'Change engines.node, or set node in the config.',
  )
}

/** @param {Run} run */
function packageJson(run) {
  const read = () => parseJson(fs.readFileSync(`${run.at}/package.json`, 'utf8')) || {}
  return run.orBroken('package.json cannot be read.', () => asUser(run.users.app, read))
}

/**
 * Return the memory (MB) for a build on a small machine, else 0. Node.js ends itself at half of the memory; with swap there
 * is more to be had.
 * @param {string} text of /proc/meminfo
 */
function heapLimit(text) {
  const size = (/** @type {string} */ name) => Number((new RegExp(`^${name}: +(\\d+)`, 'm').exec(text) || [])[1] || 0)
  const memory = size('MemTotal')
  return memory && memory < SMALL ? Math.floor((memory + size('SwapTotal')) / 2048) : 0
}

/** @param {string} root */
function memoryInfo(root) {
  const file = [`${root}/proc/meminfo`, '/proc/meminfo'].find(isFile)
  return file ? fs.readFileSync(file, 'utf8') : ''
}

/**
 * Return the steps of the build: those of the manifest (in a workspace), else the service's own script.
 * @param {Pick<import('./manifest').Manifest, 'build' | 'directory'>} manifest
 * @param {any} own package.json of the service
 */
function stepsOf(manifest, own) {
  if (manifest.build.length) return manifest.build
  return own.scripts?.build ? [{ folder: manifest.directory, command: [] }] : []
}

/** @param {Run} run */
async function build(run) {
  const steps = stepsOf(run.manifest, packageJson(run))
  if (steps.length) run.report.begin('build')
  if (steps.length > 1) run.report.say(`in this order: ${steps.map((step) => step.folder).join(', ')}`)
  for (const { folder, command } of steps) {
    const tool = run.manager?.tool || 'npm'
    const words = command.length ? execution(tool, command) : ['run', 'build']
    const status = await built(run, run.sets.build, path.join(run.folder, folder), words)
    const place = command.length || folder === run.manifest.directory ? '' : ` in ${folder}`
    const said = command.length ? command.join(' ') : `${tool} run build`
    if (status !== 0) run.broken(status, `\`${said}\` failed${place}.`, FRESH)
  }
  // Migrations may need a program of devDependencies: what is not needed to run is removed after them.
  if (!run.manifest.migrate || !run.migrations) await completed(run)
  else await migrate(run)
}

/** @param {Run} run */
async function migrate(run) {
  const { manifest, users } = run
  run.report.begin('migrate')
  giveTo(run, users.app, 'application')
  const argv = shell((run.manager || managerOf(run)).program, manifest.migrate)
  const input = { variables: run.sets.environment, cwd: run.at, argv, heap: run.heap, node: run.node }
  const wrap = (/** @type {string[]} */ one) => argvAs(users.app, one)
  const output = withoutNoise(run.report)
  const status = await run.runner.program('with_environment.js', input, wrap, { env: CI, output })
  const remedy = 'Fix it and deploy again. The previous release is still running.'
  if (status !== 0) run.broken(status, `The migration \`${manifest.migrate}\` failed.`, remedy)
  giveTo(run, users.builder, 'builder')
  await completed(run)
}

/** Remove what is not needed to run, and give the release to the application. @param {Run} run */
async function completed(run) {
  const { manager, users } = run
  const words = manager && !run.manifest.keep_dev ? asUser(users.app, () => removal(manager)) : []
  if (manager && words.length) {
    const status = await built(run, run.sets.scripts, manager.folder, words, { output: () => {} })
    if (status !== 0) run.report.say(`devDependencies were not removed: \`${manager.tool} ${words[0]}\` failed.`)
  }
  giveTo(run, users.app, 'application')
  run.orBroken(`${run.settings.known} cannot be written.`, () => fs.writeFileSync(`${run.known}/complete`, ''))
}

/**
 * Give the release to a user. Nothing that the builder has left running is there then.
 * @param {Run} run
 * @param {import('./users').User} user
 * @param {string} name
 */
function giveTo(run, user, name) {
  const { app, builder } = run.users
  if (!builder.name || builder.name === app.name) return
  quietly(['pkill', '-KILL', '-u', String(builder.uid)])
  const status = quietly(['chown', '-hR', `${user.uid}:${user.gid}`, run.folder])
  if (status !== 0) run.broken(1, `${run.folder} cannot be given to the ${name}.`)
}

module.exports = { install, build, managerOf, stepsOf, heapLimit, installedBy }
