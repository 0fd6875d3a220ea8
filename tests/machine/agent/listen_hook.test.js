// Tests of what is loaded into a candidate: when a program whose start has failed ends.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const path = require('path')
const test = require('node:test')
const { fork } = require('child_process')
const { folder } = require('./folders')

const HOOK = path.resolve(__dirname, '../../../src/awsdeploy/machine/agent/listen_hook.js')
// Like PM2 in cluster mode: it handles rejections without ending, and a pipe keeps the process.
const CONTAINER = `
process.on('message', () => {})
process.on('unhandledRejection', function uncaughtListener(error) { console.error(error.stack) })
const main = process.env.pm_exec_path
if (main.endsWith('.mjs')) import(require('url').pathToFileURL(main))
else require('module')._load(main, null, true)
`

/**
 * Run a program as PM2 does, and return its exit code; null if it still runs after a time.
 * @param {import('node:test').TestContext} t
 * @param {string} name
 * @param {string} program
 * @param {number} [patience] ms
 */
async function ended(t, name, program, patience = 10_000) {
  const at = folder(t, { 'container.js': CONTAINER, [name]: program })
  const env = { ...process.env, pm_exec_path: path.join(at, name), PORT: '0', AWSDEPLOY_LISTENS: `${at}/listens` }
  const output = fs.openSync(`${at}/output`, 'w')
  const stdio = /** @type {any[]} */ (['ignore', output, output, 'ipc'])
  const child = fork(`${at}/container.js`, { execArgv: ['--require', HOOK], env, stdio })
  const code = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), patience)
    child.on('close', (status) => resolve((clearTimeout(timer), status)))
  })
  child.kill('SIGKILL')
  fs.closeSync(output)
  return { code, said: fs.readFileSync(`${at}/output`, 'utf8') }
}

test('a main module whose top-level await fails ends, whatever else is pending', async (t) => {
  const timer = 'setInterval(() => {}, 1000)\n'
  const { code, said } = await ended(t, 'main.mjs', `${timer}await Promise.reject(new Error('a sad story'))\n`)
  assert.equal(code, 1)
  assert.match(said, /Error: a sad story/)
})

test('a program that can do nothing any more after a rejection ends', async (t) => {
  const program = "async function start() { await null; throw new Error('a sad story') }\nstart()\n"
  assert.equal((await ended(t, 'main.js', program)).code, 1)
})

const REJECTED = "Promise.reject(new Error('forgotten'))\n"
const GOES_ON = {
  'one that still works on its start': `${REJECTED}setTimeout(() => {}, 60_000)\n`,
  'one that listens': `${REJECTED}require('http').createServer().listen(0)\n`,
  'one that handles rejections itself': `process.on('unhandledRejection', () => {})\n${REJECTED}`,
}
for (const [name, program] of Object.entries(GOES_ON)) {
  test(`${name} goes on after a rejection`, async (t) => {
    assert.equal((await ended(t, 'main.js', program, 1500)).code, null)
  })
}

test('a module that listens goes on although it has failed', async (t) => {
  const program =
    "import http from 'node:http'\nhttp.createServer().listen(0)\n" +
    `await new Promise((r) => setTimeout(r, 200))\nawait ${REJECTED}`
  assert.equal((await ended(t, 'main.mjs', program, 1500)).code, null)
})

test('a rejection beside a module that still starts does not end it', async (t) => {
  const program = `${REJECTED}await new Promise((resolve) => setTimeout(resolve, 60_000))\n`
  assert.equal((await ended(t, 'main.mjs', program, 1500)).code, null)
})
