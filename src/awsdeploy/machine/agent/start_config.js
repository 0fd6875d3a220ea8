// Program that writes what PM2 is to run, in full: from the repository's ecosystem file, or invented. It runs as the
// application's user, because an ecosystem file is code of the application.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { candidateOf, finalApp, words } = require('./apps')
const { merged } = require('./with_environment')
const { writePrivate } = require('./write')

const NEXT = 'node_modules/next/dist/bin/next'
const ECOSYSTEM = ['js', 'cjs', 'mjs', 'json'].map((kind) => `ecosystem.config.${kind}`)
const MAINS = ['dist/main.js', 'dist/src/main.js', 'dist/index.js', 'server.js', 'index.js']
const START = /^node\s+((?:-\S+\s+)*)([^-\s]\S*)((?:\s+[^&|;<>$]+)?)$/

/** @typedef {Record<string, any>} App an app of an ecosystem file */

/**
 * @typedef {object} Input
 * @property {Record<string, string>} variables of the running program
 * @property {string} root folder of the release
 * @property {string} at folder of the service
 * @property {string} logs
 * @property {string} service
 * @property {{ port: number | null, behind: number | null, processes: number }} manifest
 * @property {string} file where the result goes
 * @property {{ file: string, port: string, hook: string, log: string, listens: string } | null} candidate
 */

/** @param {Input} input */
function main(input) {
  write(input).catch((error) => {
    console.error(error.code === 'MODULE_NOT_FOUND' ? error.message : error.stack)
    process.exitCode = 1
  })
}

/**
 * Each program runs in its release's own folder (never through the link: it would change under a process that restarts)
 * and with the whole environment, which wins over `env`: PM2 forgets the shell's variables once a file names some.
 * @param {Input} input
 */
async function write(input) {
  process.chdir(input.at)
  const at = process.cwd()
  Object.assign(process.env, merged(process.env, input.variables, at))
  const own = JSON.parse(fs.readFileSync('package.json', 'utf8'))
  const invented = invent(own, at, input.root)
  const apps = (await theirs(at)) || [made(own, invented, input.manifest.processes)]
  const ready = apps.map((app, number) => ({
    app,
    ...finalApp(app, number, { ...input, at, up: upwards(at, input.root) }),
  }))
  save(
    input.file,
    ready.map((one) => one.final),
  )
  const { candidate } = input
  if (!candidate) return
  ready.forEach(({ app, cluster }, number) => {
    if (!cluster && input.manifest.port && !number) console.log(noReload(app, invented, at, input.service))
  })
  save(
    candidate.file,
    ready.map((one, number) => candidateOf(one, number, { ...input, candidate })),
  )
}

/**
 * @param {string} file
 * @param {App[]} apps
 */
function save(file, apps) {
  writePrivate(file, JSON.stringify({ apps }))
}

/**
 * Return a function that finds a script in the service's folder or above: a workspace has its modules at the root.
 * @param {string} at
 * @param {string} root
 */
function upwards(at, root) {
  return (/** @type {string} */ script) => {
    for (let folder = at; ; folder = path.dirname(folder)) {
      if (fs.existsSync(path.join(folder, script))) return path.join(folder, script)
      if (folder === root || folder === path.dirname(folder)) return path.join(at, script)
    }
  }
}

/**
 * Return the apps of the repository's own file, or null.
 * @param {string} at
 * @returns {Promise<App[] | null>}
 */
async function theirs(at) {
  const name = ECOSYSTEM.find((one) => fs.existsSync(path.join(at, one)))
  if (!name) return null
  const file = path.join(at, name)
  let found = name.endsWith('json') ? JSON.parse(fs.readFileSync(file, 'utf8')) : await imported(file)
  found = found.default || found
  return [found.apps || found].flat()
}

/** @param {string} file */
async function imported(file) {
  try {
    return require(file)
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (!code?.startsWith('ERR_REQUIRE_') && !file.endsWith('.mjs')) throw error
    return import(file)
  }
}

/**
 * Return how the service is started where it has no ecosystem file: Next.js itself, the program of its start script, or
 * its main file; null if there is none.
 * @param {any} own package.json
 * @param {string} at
 * @param {string} root
 * @returns {App | null}
 */
function invent(own, at, root) {
  const isFile = (/** @type {string} */ name) => fs.statSync(path.join(at, name), { throwIfNoEntry: false })?.isFile()
  if ({ ...own.dependencies, ...own.devDependencies }.next) {
    return { script: upwards(at, root)(NEXT), args: ['start', '--keepAliveTimeout', '65000'] }
  }
  for (const name of ['start:prod', 'start']) {
    const found = START.exec((own.scripts?.[name] || '').trim())
    if (!found) continue
    const script = [found[2], `${found[2]}.js`, `${found[2]}/index.js`].find(isFile)
    if (script) return { script, node_args: words(found[1].trim()), args: words(found[3].trim()) }
  }
  const script = [own.main, ...MAINS].find((one) => one && isFile(one))
  return script ? { script } : null
}

/**
 * @param {any} own
 * @param {App | null} invented
 * @param {number} processes
 * @returns {App}
 */
function made(own, invented, processes) {
  if (invented) return { ...invented, exec_mode: 'cluster', instances: processes, wait_ready: false }
  if (own.scripts?.start) return { script: 'npm', args: ['start'], exec_mode: 'fork' }
  throw new Error('There is nothing to start: no ecosystem.config.js, no main, no script named start.')
}

/**
 * Return a note on a program that PM2 cannot reload without a gap, with what to write instead.
 * @param {App} app
 * @param {App | null} invented
 * @param {string} at
 * @param {string} service
 */
function noReload(app, invented, at, service) {
  const name = app.name || service
  const mode = app.script === 'npm' ? 'through npm' : 'in fork mode'
  let instead = 'script: the program itself, '
  if (invented) {
    const args = invented.args?.length ? `, args: ${JSON.stringify(invented.args.join(' '))}` : ''
    instead = `script: ${JSON.stringify(path.relative(at, invented.script) || invented.script)}${args}, `
  }
  return (
    `note: ${name} runs ${mode}: PM2 cannot reload it without a gap, the time it takes to start. ` +
    `In ecosystem.config.js write ${instead}exec_mode: "cluster", instances: 1.`
  )
}

module.exports = { main, invent, made, noReload }
