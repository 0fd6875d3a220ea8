// Tests of how programs are run, ended and waited for.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const test = require('node:test')
const { folder } = require('./folders')
const { Cancellation, Cancelled } = require('../../../src/awsdeploy/machine/agent/cancellation')
const { Runner, programText, which } = require('../../../src/awsdeploy/machine/agent/runner')

/** @param {import('node:test').TestContext} t */
function made(t) {
  /** @type {string[]} */
  const lines = []
  const report = /** @type {any} */ ({
    relay: (/** @type {string} */ line) => lines.push(line),
    keep: (/** @type {string} */ line) => lines.push(line),
  })
  const cancellation = new Cancellation(new Cancelled('interrupted', 'again'))
  const record = `${folder(t)}/running`
  return { runner: new Runner(report, cancellation, record), cancellation, lines, record }
}

test('a status is that of the program, 128 + N after a signal, 127 if there is none', async (t) => {
  const { runner, lines } = made(t)
  assert.equal(await runner.run(['sh', '-c', 'echo out; echo err >&2; exit 3']), 3)
  assert.deepEqual(lines.sort(), ['err', 'out'])
  assert.equal(await runner.run(['sh', '-c', 'kill -9 $$']), 137)
  assert.equal(await runner.run(['/nowhere/program']), 127)
})

test('of two programs the failure of either counts', async (t) => {
  const { runner, lines } = made(t)
  assert.equal(await runner.run(['cat'], { from: ['echo', 'through'] }), 0)
  assert.deepEqual(lines, ['through'])
  assert.equal(await runner.run(['cat'], { from: ['sh', '-c', 'exit 4'] }), 4)
  assert.equal(await runner.run(['sh', '-c', 'exit 5'], { from: ['echo', 'unread'] }), 5)
  assert.notEqual(await runner.run(['true'], { from: ['yes'] }), 0)
})

test('input is text or a file', async (t) => {
  const { runner, lines } = made(t)
  await runner.run(['cat'], { input: 'a\nb' })
  const file = fs.openSync(`${folder(t, { in: 'from a file' })}/in`, 'r')
  await runner.run(['cat'], { input: file })
  fs.closeSync(file)
  assert.deepEqual(lines, ['a', 'b', 'from a file'])
})

test('a line without end takes no more memory and time than others', async (t) => {
  const { runner, lines } = made(t)
  const script = "for (let i = 0; i < 400; i++) process.stdout.write('x'.repeat(1 << 16)); console.log('\\nend')"
  assert.equal(await runner.run([process.execPath, '-e', script]), 0)
  assert.deepEqual([lines.length, lines[1]], [2, 'end'])
  assert.ok(lines[0].length < 2 << 20)
})

test('a cancelled run ends also a program whose output it wants', async (t) => {
  const { runner, cancellation } = made(t)
  const running = runner.capture(['sleep', '30'])
  setTimeout(() => cancellation.cancel(), 50)
  await assert.rejects(running, /interrupted/)
})

test('an unexpected error ends a run like a signal', async (t) => {
  const { runner, cancellation } = made(t)
  const running = runner.run(['sleep', '30'])
  cancellation.cancel(new Error('in a callback'))
  await assert.rejects(running, /in a callback/)
})

test('a cancelled run ends its program, and all that it has started', async (t) => {
  const { runner, cancellation } = made(t)
  const began = Date.now()
  const running = runner.run(['sh', '-c', 'sleep 30 & echo begun; wait'], { output: () => cancellation.cancel() })
  await assert.rejects(running, /interrupted/)
  assert.ok(Date.now() - began < 5000)
  await assert.rejects(runner.run(['true']), /interrupted/)
})

test('a reload is never broken off', async (t) => {
  const { runner, cancellation, lines } = made(t)
  const output = (/** @type {string} */ line) => {
    lines.push(line)
    cancellation.cancel()
  }
  await assert.rejects(
    runner.run(['sh', '-c', 'echo begun; sleep 0.2; echo done'], { finish: true, output }),
    /interrupted/,
  )
  assert.deepEqual(lines, ['begun', 'done'])
})

test('what a killed run has left is ended, but no other process with its number', async (t) => {
  const { runner, record } = made(t)
  const left = require('child_process').spawn('sleep', ['30'], { detached: true })
  const ended = new Promise((resolve) => left.on('exit', (_, signal) => resolve(signal)))
  fs.writeFileSync(record, `${left.pid} kill ${new Date(Date.now() - 3600_000).toISOString()}\n`)
  await runner.endLeftOver()
  assert.equal(left.signalCode, null)
  fs.writeFileSync(record, `${left.pid} kill ${new Date().toString().slice(0, 24).replace(/ /g, '_')}\n`)
  await runner.endLeftOver()
  assert.equal(await ended, 'SIGKILL')
  assert.ok(!fs.existsSync(record))
})

test('a file of the agent runs as a program, with its input and its result', async (t) => {
  const { runner, lines } = made(t)
  const input = { variables: { A: 'quote "\' and \u2028' }, cwd: '/', argv: ['sh', '-c', 'echo "$A"; exit 6'] }
  assert.equal(await runner.program('with_environment.js', input, (argv) => argv), 6)
  assert.deepEqual(lines, ['quote "\' and \u2028'])
  assert.ok(programText('main.js', {}).includes('.main({})'))
})

test('a program is found by PATH', () => {
  assert.match(which('sh'), /\/sh$/)
  assert.equal(which('no-such-program'), '')
})

test('a wait is cut short', async (t) => {
  const { cancellation } = made(t)
  setTimeout(() => cancellation.cancel(), 20)
  await assert.rejects(cancellation.sleep(30), /interrupted/)
  cancellation.end()
  await cancellation.sleep(0.001)
})
