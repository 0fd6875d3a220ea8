// Tests of what is decided before a build.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { heapLimit, installedBy, stepsOf } = require('../../../src/awsdeploy/machine/agent/build')

test('a build on a small machine may take half of memory and swap', () => {
  assert.equal(heapLimit('MemTotal:        2097152 kB\nSwapTotal:       2097152 kB\n'), 2048)
  assert.equal(heapLimit('MemTotal:        1048576 kB\n'), 512)
  assert.equal(heapLimit('MemTotal:        8388608 kB\nSwapTotal: 0 kB\n'), 0)
  assert.equal(heapLimit(''), 0)
})

test('where the lock file is not with the service, it is said where it is', () => {
  assert.equal(installedBy({ tool: 'npm', folder: '/r' }, '/r', '/r'), 'installed by npm')
  assert.equal(
    installedBy({ tool: 'npm', folder: '/r' }, '/r/api', '/r'),
    'installed by npm, from the lock file at the root',
  )
  assert.equal(
    installedBy({ tool: 'npm', folder: '/r/a' }, '/r/a/b', '/r'),
    'installed by npm, from the lock file in a',
  )
})

test('a build has the steps of the manifest, else the script of the service', () => {
  const steps = [
    { folder: 'packages/types', command: [] },
    { folder: 'apps/api', command: [] },
  ]
  assert.deepEqual(stepsOf({ directory: 'apps/api', build: steps }, {}), steps)
  const own = { scripts: { build: 'tsc' } }
  assert.deepEqual(stepsOf({ directory: 'back', build: [] }, own), [{ folder: 'back', command: [] }])
  assert.deepEqual(stepsOf({ directory: 'back', build: [] }, {}), [])
})
