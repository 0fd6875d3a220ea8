// The apps of PM2: what an app of an ecosystem file becomes on this machine, and its candidate on a port of its own.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')

/** @typedef {import('./start_config').App} App */
/** @typedef {import('./start_config').Input} Input */
/** @typedef {Pick<Input, 'variables' | 'logs' | 'service' | 'manifest' | 'node'>} About */

/**
 * Return the app as PM2 is to run it, and whether in cluster mode.
 * @param {App} app
 * @param {number} number
 * @param {About & { at: string, up: (script: string) => string }} about
 */
function finalApp(app, number, about) {
  const { variables, logs, service, manifest, node, at, up } = about
  const { cwd, env, env_production, ...rest } = app
  const inside = cwd && !path.isAbsolute(cwd) && fs.existsSync(path.join(at, cwd)) ? path.join(at, cwd) : at
  let script = app.script
  if (/^(\.\/)?node_modules\//.test(script) && !fs.existsSync(path.join(inside, script))) script = up(script)
  const cluster = isCluster(app, inside, script)
  for (const key of Object.keys(rest)) if (/^env_/.test(key)) delete rest[key]
  const log = `${logs}/${service}${number ? `-${app.name || number}` : ''}`
  /** @type {App} */
  const final = {
    kill_timeout: 30000,
    listen_timeout: 30000,
    vizion: false,
    pmx: false, // PM2's own metrics, which nobody reads: 60 ms at each start and 4 MB of each process
    ...rest,
    name: app.name || service,
    script,
    cwd: inside,
    exec_mode: cluster ? 'cluster' : 'fork',
    out_file: `${log}.log`,
    error_file: `${log}-error.log`,
    merge_logs: true,
    env: { ...env, ...env_production, ...variables },
  }
  if (variables.NODE_OPTIONS && process.env.NODE_OPTIONS) final.env.NODE_OPTIONS = process.env.NODE_OPTIONS
  if (manifest.behind) final.args = placed(final, String(manifest.behind), about)
  if (node) setNode(final, node)
  return { final, cluster }
}

/**
 * @param {App} app
 * @param {string} inside
 * @param {string} script
 */
function isCluster(app, inside, script) {
  const file = path.resolve(inside, script)
  const node = !app.interpreter && !app.exec_interpreter && fs.existsSync(file) && /\.[cm]?js$|^[^.]*$/.test(script)
  return /^cluster/.test(app.exec_mode || (app.instances !== undefined && node ? 'cluster' : 'fork'))
}

/**
 * Let an app run on another Node.js than the machine's own: it, and the programs that it starts.
 * @param {App} app
 * @param {string} node folder with its programs
 */
function setNode(app, node) {
  app.env.PATH = [node, app.env.PATH || process.env.PATH].join(path.delimiter)
  if (app.script === 'npm') app.script = path.join(node, 'npm')
  const own = app.interpreter || app.exec_interpreter || 'node'
  if (own === 'node' && isNodeScript(path.resolve(app.cwd, app.script))) app.interpreter = path.join(node, 'node')
}

/** @param {string} file */
function isNodeScript(file) {
  if (/\.[cm]?js$/.test(file)) return true
  if (path.extname(file) || !fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return false
  return /^#!.*node/.test(fs.readFileSync(file, 'utf8'))
}

/**
 * Return the arguments of an app, with this port in place of the service's.
 * @param {App} app
 * @param {string} port
 * @param {Pick<About, 'manifest' | 'variables'>} about
 */
function placed(app, port, { manifest, variables }) {
  const known = [manifest.port, manifest.behind].filter(Boolean).map(String)
  const args = words(app.args).map((word, place, all) => {
    if (known.some((one) => word === `--port=${one}`)) return `--port=${port}`
    return known.includes(word) && /^(-p|--port)$/.test(all[place - 1]) ? port : word
  })
  // Next.js reads PORT, but not HOSTNAME.
  const next = manifest.behind && /(^|\/)next(\/dist\/bin\/next)?$/.test(app.script) && args[0] === 'start'
  if (next && !args.some((word) => /^(-H|--hostname)/.test(word)))
    args.push('--hostname', variables.HOSTNAME || '127.0.0.1')
  return args
}

/**
 * Return the app as it is tested: one process on a port of its own, which says where it listens.
 * @param {{ app: App, final: App, cluster: boolean }} one
 * @param {number} number
 * @param {About & { candidate: NonNullable<Input['candidate']> }} about
 * @returns {App}
 */
function candidateOf({ app, final, cluster }, number, about) {
  const { service, manifest, candidate } = about
  const { port, hook, log, listens } = candidate
  const { cron_restart, watch, max_restarts, ...rest } = final
  const node = words(final.node_args)
  const options = `${process.env.NODE_OPTIONS || ''} --require ${hook}`.trim()
  return {
    ...rest,
    name: `${service}-candidate${number ? `-${app.name}` : ''}`,
    args: placed(final, port, about),
    instances: 1,
    autorestart: false,
    wait_ready: false,
    kill_timeout: 3000,
    out_file: log,
    error_file: log,
    node_args: cluster ? [...node, '--require', hook] : node,
    env: {
      ...final.env,
      PORT: port,
      AWSDEPLOY_REAL_PORT: String(manifest.behind || manifest.port),
      AWSDEPLOY_NGINX_PORT: manifest.behind ? String(manifest.port) : '',
      AWSDEPLOY_LISTENS: listens,
      AWSDEPLOY_LOG: log,
      ...(cluster ? {} : { NODE_OPTIONS: options }),
    },
  }
}

/** @param {unknown} text @returns {string[]} */
function words(text) {
  return (Array.isArray(text) ? text : String(text || '').split(/\s+/)).filter(Boolean)
}

module.exports = { finalApp, candidateOf, words }
