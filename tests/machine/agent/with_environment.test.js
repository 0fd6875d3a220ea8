// Tests of a program's environment.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { merged } = require('../../../src/awsdeploy/machine/agent/with_environment')

test('variables win over the environment, and the programs of packages come first', () => {
  const env = merged({ A: '1', B: '1', PATH: '/bin' }, { B: '2' }, '/at')
  assert.deepEqual(env, { A: '1', B: '2', PATH: '/at/node_modules/.bin:/bin' })
})

test('both NODE_OPTIONS are meant', () => {
  assert.equal(merged({ NODE_OPTIONS: '--a' }, { NODE_OPTIONS: '--b' }, '/').NODE_OPTIONS, '--a --b')
  assert.equal(merged({}, { NODE_OPTIONS: '--b' }, '/').NODE_OPTIONS, '--b')
})

test('memory is limited, unless the service does it', () => {
  assert.equal(merged({}, {}, '/', { heap: 512 }).NODE_OPTIONS, '--max-old-space-size=512')
  assert.equal(
    merged({}, { NODE_OPTIONS: '--max_old_space_size=9' }, '/', { heap: 512 }).NODE_OPTIONS,
    '--max_old_space_size=9',
  )
  assert.equal(merged({}, {}, '/', { heap: 0 }).NODE_OPTIONS, undefined)
})

test("a release's own Node.js comes before that of the machine", () => {
  assert.equal(merged({ PATH: '/bin' }, {}, '/at', { node: '/n/bin' }).PATH, '/at/node_modules/.bin:/n/bin:/bin')
})
