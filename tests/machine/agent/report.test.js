// Tests of what a run says.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { masked, outcomeLine } = require('../../../src/awsdeploy/machine/agent/report')

test('secrets are masked wherever they are in a line', () => {
  assert.equal(masked('a=secret b=secretly', ['secret']), 'a=*** b=***ly')
  assert.equal(masked('nothing', []), 'nothing')
})

test('the last line of a run is one line of JSON', () => {
  const told = { outcome: 'failed', release: '', step: 'build', diagnosis: 'a "b"\nc', remedy: '', previous: 'x' }
  const line =
    '@outcome {"outcome": "failed", "release": null, "step": "build", ' +
    '"diagnosis": "a \\"b\\" c", "remedy": "", "previous": "x"}'
  assert.equal(outcomeLine(told), line)
})
