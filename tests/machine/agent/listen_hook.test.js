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
 * Run a program as PM2 does, and return its exit code (null if it still runs after a time) and what it wrote.
 * @param {import('node:test').TestContext} t
 * @param {string} name
 * @param {string} program
 * @param {number} [patience] ms
 */
async function ended(t, name, program, patience = 10_000) {
  const at = folder(t, { 'container.js': CONTAINER, [name]: program, 'listens': '', 'log': '' })
  const env = {
    ...process.env,
    pm_exec_path: path.join(at, name),
    PORT: '0',
    AWSDEPLOY_REAL_PORT: '3999',
    AWSDEPLOY_NGINX_PORT: '3998',
    AWSDEPLOY_LISTENS: `${at}/listens`,
    AWSDEPLOY_LOG: `${at}/log`,
  }
  const output = fs.openSync(`${at}/output`, 'w')
  const stdio = /** @type {any[]} */ (['ignore', output, output, 'ipc'])
  const child = fork(`${at}/container.js`, { execArgv: ['--require', HOOK], env, stdio })
  const code = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), patience)
    child.on('close', (status) => resolve((clearTimeout(timer), status)))
  })
  child.kill('SIGKILL')
  fs.closeSync(output)
  const [said, listens, log] = ['output', 'listens', 'log'].map((one) => fs.readFileSync(path.join(at, one), 'utf8'))
  return { code, said, listens, log }
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

/** @param {string} where arguments of `listen` */
const listening = (where) => `require('http').createServer().listen(${where}).on('listening', () => process.exit(7))\n`
const LISTENS = {
  '3999': '3999 *\n',
  "{ port: 3999, host: '127.0.0.1' }": '3999 127.0.0.1\n',
  "'3998', '127.0.0.1'": '3998 127.0.0.1\n',
  '0': '0 *\n',
  "process.env.AWSDEPLOY_LOG + '.sock'": '',
}
for (const [where, said] of Object.entries(LISTENS)) {
  test(`where a program listens is written down: ${where}`, async (t) => {
    const { code, listens } = await ended(t, 'main.js', listening(where))
    assert.deepEqual([code, listens], [7, said])
  })
}

test('the last words in the log are not lost', async (t) => {
  const program = "const log = require('fs').createWriteStream(process.env.AWSDEPLOY_LOG)\n"
  const { log } = await ended(
    t,
    'main.js',
    `${program}log.write('first ', () => {})\nlog.write('last')\nprocess.exit()\n`,
  )
  assert.equal(log, 'first last')
})
