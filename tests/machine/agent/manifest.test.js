// Tests of the manifest.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { parse } = require('../../../src/awsdeploy/machine/agent/manifest')

/** @param {Record<string, unknown>} fields */
const sent = (fields) => JSON.stringify({ version: 1, ...fields })

test('what a manifest does not say has a default', () => {
  const found = parse(sent({}))
  assert.deepEqual([found.directory, found.port, found.health, found.keep], ['.', null, '/', 5])
  assert.deepEqual([found.health_status, found.health_protocol], ['200-399', 'http'])
  assert.deepEqual([found.database, found.behind, found.processes, found.environment], [false, null, 1, {}])
  assert.deepEqual([found.variables, found.keep_dev], [{}, false])
})

for (const wrong of [
  { version: 2 },
  { port: '80' },
  { port: 70000 },
  { memory_mb: 'a[1]' },
  { keep: -1 },
  { behind: 1.5 },
  { health: '/a b' },
  { health: 'health' },
  { health_status: '200-' },
  { health_protocol: 'icmp' },
  { directory: '../../etc' },
  { directory: 'a/../../b' },
  { directory: '/etc' },
  { environment: { A: 1 } },
  { variables: { A: ['x'] } },
]) {
  test(`${JSON.stringify(wrong)} is refused`, () => assert.throws(() => parse(sent(wrong))))
}

test('a migration of several lines becomes one', () => assert.equal(parse(sent({ migrate: 'a\n  b' })).migrate, 'a b'))
