// Program that runs another with variables, as the user it was started as. So the variables are in no argument list, and
// do not act on what changes the user.
// @ts-check
'use strict'
const os = require('os')
const path = require('path')
const { spawnSync } = require('child_process')

/** @param {{ variables: Record<string, string>, cwd: string, argv: string[], heap?: number, node?: string }} input */
function main({ variables, cwd, argv, heap, node }) {
  const env = merged(process.env, variables, cwd, { heap, node })
  const done = spawnSync(argv[0], argv.slice(1), { cwd, env, stdio: ['ignore', 1, 1] })
  if (done.error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (done.error)
    console.log(code === 'ENOENT' ? `${argv[0]}: not found` : String(done.error))
    process.exitCode = 127
  } else {
    process.exitCode = done.signal ? 128 + os.constants.signals[done.signal] : done.status || 0
  }
}

/**
 * Return the environment of a program in this folder. NODE_OPTIONS of several sources are all meant. `heap` limits the memory
 * (MB) of Node.js, unless somebody has; `node` is the folder of another Node.js than the machine's own.
 * @param {NodeJS.ProcessEnv} base
 * @param {Record<string, string>} variables
 * @param {string} cwd
 * @param {{ heap?: number, node?: string }} [options]
 */
function merged(base, variables, cwd, { heap, node } = {}) {
  const env = { ...base, ...variables }
  if (base.NODE_OPTIONS && variables.NODE_OPTIONS) env.NODE_OPTIONS = `${base.NODE_OPTIONS} ${variables.NODE_OPTIONS}`
  if (heap && !/max.old.space.size/.test(env.NODE_OPTIONS || '')) {
    env.NODE_OPTIONS = `${env.NODE_OPTIONS || ''} --max-old-space-size=${heap}`.trim()
  }
  env.PATH = [path.join(cwd, 'node_modules/.bin'), node, env.PATH].filter(Boolean).join(path.delimiter)
  return env
}

module.exports = { main, merged }
