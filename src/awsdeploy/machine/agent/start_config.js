// Program that writes what PM2 is to run, in full: from the repository's ecosystem file, or invented. It runs as the
// application's user, because an ecosystem file is code of the application.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { createRequire } = require('module')
const { candidateOf, finalApp, words } = require('./apps')
const { parseJson } = require('./json')
const { merged } = require('./with_environment')
const { writePrivate } = require('./write')

const NEXT = 'node_modules/next/dist/bin/next'
const ECOSYSTEM = ['js', 'cjs', 'mjs', 'json'].map((kind) => `ecosystem.config.${kind}`)
const MAINS = ['dist/main.js', 'dist/src/main.js', 'dist/index.js', 'server.js', 'index.js']
// Options of node whose value may be the next word, and those whose value is a module or a file.
const WITH_VALUE =
  /^(-r|--require|--import|--loader|--experimental-loader|-C|--conditions|--env-file|--env-file-if-exists)$/
const OF_MODULE = /^(-r|--require|--import|--loader|--experimental-loader)$/
const OF_FILE = /^(--env-file|--env-file-if-exists)$/

/** @typedef {Record<string, any>} App an app of an ecosystem file */

/**
 * @typedef {object} Input
 * @property {Record<string, string>} variables of the running program
 * @property {string} root folder of the release
 * @property {string} at folder of the service
 * @property {string} logs
 * @property {string} service
 * @property {string} node folder with the programs of another Node.js than the machine's own, or empty
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
  const own = parseJson(fs.readFileSync('package.json', 'utf8'))
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
  let found = name.endsWith('json') ? parseJson(fs.readFileSync(file, 'utf8')) : await imported(file)
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
 * Return how the service is started where it has no ecosystem file: the program of its start script, Next.js itself, or
 * its main file; null if there is none.
 * @param {any} own package.json
 * @param {string} at
 * @param {string} root
 * @returns {App | null}
 */
function invent(own, at, root) {
  const isFile = (/** @type {string} */ name) => fs.statSync(path.join(at, name), { throwIfNoEntry: false })?.isFile()
  const { next, '@nestjs/core': nest } = { ...own.dependencies, ...own.devDependencies }
  for (const name of ['start:prod', 'start']) {
    const found = startOf(String(own.scripts?.[name] || ''))
    if (!found || (next && /^(\.\/)?(\.next|node_modules)\//.test(found.script))) continue
    const script = [found.script, `${found.script}.js`, `${found.script}/index.js`].find(isFile)
    if (script) return { ...found, script, node_args: fromAnywhere(found.node_args, at) }
  }
  const script = [own.main, ...MAINS].find((one) => one && isFile(one))
  // NestJS that renders the pages of Next.js answers for both.
  if (next && !(nest && script)) {
    return { script: upwards(at, root)(NEXT), args: ['start', '--keepAliveTimeout', '65000'] }
  }
  return script ? { script } : null
}

/**
 * Return the program of a script that starts node and nothing else, with node's options and the variables before it; null
 * for another command line.
 * @param {string} text
 */
function startOf(text) {
  if (/[&|;<>$"'`\\()*?]/.test(text)) return null
  const all = words(text).slice(/^\s*cross-env\s/.test(text) ? 1 : 0)
  /** @type {Record<string, string>} */
  const env = {}
  while (/^\w+=/.test(all[0] || '')) {
    const [name, ...value] = (all.shift() || '').split('=')
    env[name] = value.join('=')
  }
  if (all.shift() !== 'node') return null
  const node_args = []
  while (all[0]?.startsWith('-')) node_args.push(...all.splice(0, WITH_VALUE.test(all[0]) ? 2 : 1))
  const [script, ...args] = all
  return script ? { script, node_args, args, ...(Object.keys(env).length ? { env } : {}) } : null
}

/**
 * Return options of node with the paths of the modules and files in them: PM2 starts a process of a cluster in another folder.
 * @param {string[]} options
 * @param {string} at
 */
function fromAnywhere(options, at) {
  const { resolve } = createRequire(path.join(at, 'package.json'))
  const found = (/** @type {string} */ option, /** @type {string} */ value) => {
    if (OF_FILE.test(option)) return path.resolve(at, value)
    if (!OF_MODULE.test(option)) return value
    try {
      return resolve(value)
    } catch {
      return value // Node.js says what is wrong
    }
  }
  return options.map((word, place) => {
    const [name, ...value] = word.split('=')
    if (value.length) return `${name}=${found(name, value.join('='))}`
    return word.startsWith('-') ? word : found(options[place - 1], word)
  })
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
