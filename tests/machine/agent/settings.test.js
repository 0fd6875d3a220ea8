// Tests of the command line.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { settings } = require('../../../src/awsdeploy/machine/agent/settings')

const PLACE = ['shop/prod', 'backend', 'ap-northeast-2', 'bucket']
const ID = '20260101T000000Z-aaaaaaa'

test('each command needs its own words', () => {
  for (const command of ['deploy', 'join', 'rollback']) {
    assert.equal(settings([command, ...PLACE, ID], {})?.release, ID)
    assert.equal(settings([command, ...PLACE], {}), null)
  }
  for (const command of ['restart', 'catchup', 'releases']) assert.equal(settings([command, ...PLACE], {})?.release, '')
  assert.equal(settings(['exec', ...PLACE, 'a line; with | anything'], {})?.line, 'a line; with | anything')
  assert.equal(settings(['exec', ...PLACE], {}), null)
  assert.equal(settings(['destroy', ...PLACE], {}), null)
  assert.equal(settings([], {}), null)
})

test('a word that could be a path or an option is refused', () => {
  assert.equal(settings(['deploy', ...PLACE, '../x'], {}), null)
  assert.equal(settings(['deploy', ...PLACE, '-x'], {}), null)
  assert.equal(settings(['restart', 'shop/prod', 'back/end', 'r', 'b'], {}), null)
  assert.equal(settings(['restart', 'shop/prod', 'backend', 'r', '$(b)'], {}), null)
})

test('exec has a folder of its own and keeps nothing', () => {
  const exec = settings(['exec', ...PLACE, 'true'], { ROOT: '/machine' })
  assert.equal(exec?.work, `/machine/var/lib/awsdeploy/exec.${process.pid}`)
  assert.equal(exec?.log, '/dev/null')
})

test('limits come from the environment', () => {
  const { patience, lockSeconds } = settings(['restart', ...PLACE], { PATIENCE: '6', LOCK_SECONDS: '0' }) || {}
  assert.deepEqual([patience, lockSeconds], [6, 0])
  assert.equal(settings(['restart', ...PLACE], {})?.patience, 60)
})
