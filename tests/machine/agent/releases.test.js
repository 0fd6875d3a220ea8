// Tests of the releases on a machine.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const test = require('node:test')
const { folder } = require('./folders')
const { serves } = require('../../../src/awsdeploy/machine/agent/pm2')
const { adopt, completeOnes, current, surplus } = require('../../../src/awsdeploy/machine/agent/releases')
const { settings } = require('../../../src/awsdeploy/machine/agent/settings')

/** @param {string} root */
function places(root) {
  const found = settings(['releases', 'shop/prod', 'api', 'r', 'b'], { ROOT: root })
  assert.ok(found)
  return found
}

const SELF = { name: '', home: '/', uid: -1, gid: -1 }

test('a release is complete if root has said so and its folder is there', (t) => {
  const root = folder(t, {
    'var/lib/awsdeploy/releases/one/complete': '',
    'srv/app/releases/one/package.json': {},
    'var/lib/awsdeploy/releases/two/complete': '',
    'srv/app/releases/two/package.json': {},
    'var/lib/awsdeploy/releases/three/manifest.json': {},
    'srv/app/releases/three/package.json': {},
    'var/lib/awsdeploy/releases/four/complete': '',
    'var/lib/awsdeploy/current': 'two\n',
  })
  assert.deepEqual(completeOnes(places(root)), ['two', 'one'])
  assert.equal(current(places(root)), 'two')
  fs.writeFileSync(`${root}/var/lib/awsdeploy/current`, '../x\n')
  assert.equal(current(places(root)), '')
})

test('a new machine has none', (t) => {
  const root = folder(t)
  assert.deepEqual(completeOnes(places(root)), [])
  assert.equal(current(places(root)), '')
})

test('the releases of an older version are taken over once', (t) => {
  const root = folder(t, {
    'srv/app/releases/one/package.json': {},
    'srv/app/releases/two/package.json': {},
    'srv/app/shared/one/complete': '',
    'srv/app/shared/one/manifest.json': { version: 1 },
  })
  fs.symlinkSync('releases/one', `${root}/srv/app/current`)
  adopt(places(root), SELF)
  assert.deepEqual(completeOnes(places(root)), ['one'])
  assert.equal(current(places(root)), 'one')
  assert.equal(fs.readFileSync(`${root}/var/lib/awsdeploy/releases/one/manifest.json`, 'utf8'), '{"version":1}')
})

test('two runs may take over the releases at once', (t) => {
  const root = folder(t, { 'srv/app/shared/one/complete': '', 'srv/app/releases/one/package.json': {} })
  const { known } = places(root)
  const rename = fs.renameSync
  t.mock.method(fs, 'renameSync', (/** @type {string} */ from, /** @type {string} */ to) => {
    if (to === known) fs.mkdirSync(`${known}/by-another`, { recursive: true })
    rename(from, to)
  })
  adopt(places(root), SELF)
  assert.deepEqual(fs.readdirSync(known), ['by-another'])
  assert.deepEqual(fs.readdirSync(`${root}/var/lib/awsdeploy`), ['releases'])
})

test('the newest releases are kept, and the one that runs', () => {
  const complete = ['5', '4', '3', '1']
  assert.deepEqual(surplus(['1', '2', '3', '4', '5', '5'], complete, 2, '1'), ['2', '3'])
  assert.deepEqual(surplus(['1'], ['1'], 5, '1'), [])
})

test('a release serves if all our processes are of it and run', () => {
  const one = { name: 'api', status: 'online', folder: '/r/one/api' }
  assert.equal(serves([one], '/r', '/r/one'), true)
  assert.equal(serves([one, { ...one, folder: '/elsewhere' }], '/r', '/r/one'), true)
  assert.equal(serves([one, { ...one, folder: '/r/two' }], '/r', '/r/one'), false)
  assert.equal(serves([{ ...one, status: 'errored' }], '/r', '/r/one'), false)
  assert.equal(serves([{ ...one, folder: '/r/one-more' }], '/r', '/r/one'), false)
  assert.equal(serves([], '/r', '/r/one'), false)
})
