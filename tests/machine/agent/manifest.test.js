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
  assert.deepEqual([found.variables, found.keep_dev, found.node, found.build], [{}, false, null, []])
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
  { build: {} },
  { build: [null] },
  { build: ['apps/api'] },
  { build: [{ folder: '../x' }] },
  { build: [{ folder: '.', command: 'turbo run build' }] },
  { build: [{ folder: '.', command: ['turbo', 1] }] },
  { build: [{ folder: '.', command: ['a\0b'] }] },
  { node: { major: 22 } },
  { node: { major: '22; true' } },
  { node: { major: '22', archive: '../x.tar.gz' } },
  { node: { major: '22', archive: 'node-v22.1.0-linux-x64.tar.gz' } },
  { node: { major: '22', sha256: 'abc' } },
]) {
  test(`${JSON.stringify(wrong)} is refused`, () => assert.throws(() => parse(sent(wrong))))
}

test('a migration of several lines becomes one', () => assert.equal(parse(sent({ migrate: 'a\n  b' })).migrate, 'a b'))

test('a version of Node.js is a package, or a build with its hash', () => {
  assert.deepEqual(parse(sent({ node: { major: '22' } })).node, {
    major: '22',
    is_default: false,
    archive: '',
    sha256: '',
  })
  const archive = 'node-v22.23.2-linux-x64-glibc-217.tar.xz'
  const found = parse(sent({ node: { major: '22', archive, sha256: 'a'.repeat(64), is_default: true } })).node
  assert.deepEqual(found, { major: '22', is_default: true, archive, sha256: 'a'.repeat(64) })
})
