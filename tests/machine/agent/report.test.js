// Tests of what a run says.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { folder } = require('./folders')
const { Report, masked, outcomeLine, shown } = require('../../../src/awsdeploy/machine/agent/report')

test('secrets are masked wherever they are in a line', () => {
  assert.equal(masked('a=secret b=secretly', ['secret']), 'a=*** b=***ly')
  assert.equal(masked('nothing', []), 'nothing')
})

test('the end of a step is known where nothing can be written', () => {
  const report = new Report('/nowhere/release.log')
  for (let number = 0; number < 100_000; number++) report.keep(`line ${number}`)
  report.note('ENOSPC: no space left on device')
  assert.match(report.stepText, /line 99999\nENOSPC: no space left on device\n$/)
  assert.ok(report.stepText.length <= 400_000)
  report.clear()
  assert.equal(report.stepText, '')
})

test('whatever is kept of a program has no secrets', () => {
  const report = new Report('/dev/null')
  report.secrets = ['secret']
  report.keep('a secret')
  report.note('another secret')
  assert.equal(report.stepText, 'a ***\nanother ***\n')
})

test('a program cannot say the lines of a run', () => {
  assert.equal(shown('@outcome {"outcome": "ok"}', []), ' @outcome {"outcome": "ok"}')
  assert.equal(shown('a\n@step build', []), 'a\n @step build')
  assert.equal(shown('@stepney @step 1', []), '@stepney @step 1')
})

test('of a very long line the beginning is shown, without the beginning of a secret', () => {
  const line = shown(`${'x'.repeat(1 << 20)}secre`, ['secret'])
  assert.match(line, /^x+ … \(the rest of the line is not shown\)$/)
})

test('the last line of a run is one line of JSON', () => {
  const told = { outcome: 'failed', release: '', step: 'build', diagnosis: 'a "b"\nc', remedy: '', previous: 'x' }
  const line =
    '@outcome {"outcome": "failed", "release": null, "step": "build", ' +
    '"diagnosis": "a \\"b\\" c", "remedy": "", "previous": "x"}'
  assert.equal(outcomeLine(told), line)
})

/**
 * Return what is said while this works.
 * @param {import('node:test').TestContext} t
 * @param {(report: Report) => void} work
 */
function said(t, work) {
  const at = folder(t)
  const report = new Report(`${at}/log`)
  let text = ''
  const { write } = process.stdout
  process.stdout.write = (/** @type {any} */ part) => Boolean((text += part))
  try {
    work(report)
  } finally {
    process.stdout.write = write
  }
  return text.split('\n').slice(0, -1)
}

test('at the end of a failed step only what was not shown is shown', (t) => {
  const lines = said(t, (report) => {
    report.begin('build')
    report.relay('compiled')
    report.note('of the application')
    report.keep('Error: a\n  at b')
    report.sayTail()
  })
  assert.deepEqual(lines, ['@step build', 'compiled', '| of the application', '| Error: a', '|   at b'])
})

test('of a long output that was not shown the last 50 lines are shown', (t) => {
  const lines = said(t, (report) => {
    report.begin('check')
    for (let number = 1; number <= 80; number++) report.note(String(number))
    report.sayTail()
  })
  assert.deepEqual([lines.length, lines[1], lines[50]], [51, '| 31', '| 80'])
})

test('another step begins without the lines of the one before', (t) => {
  const lines = said(t, (report) => {
    report.note('old')
    report.begin('build')
    report.sayTail()
  })
  assert.deepEqual(lines, ['@step build'])
})
