// Tests of the version of the package manager.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const fs = require('fs')
const { folder } = require('./folders')
const {
  fitting,
  npmToInstall,
  npmVersion,
  semverOfNpm,
  toldNode,
  wish,
} = require('../../../src/awsdeploy/machine/agent/manager_version')

const NONE = { exact: '', range: '' }
const V = { packageManager: 'pnpm@9.15.9+sha512.abc' }

test('the nearest package.json decides, packageManager before Volta and engines', () => {
  assert.deepEqual(wish([{}, V], 'pnpm'), { exact: '9.15.9', range: '' })
  assert.deepEqual(wish([{ packageManager: 'pnpm@8.1.0' }, V], 'pnpm'), { exact: '8.1.0', range: '' })
  assert.deepEqual(wish([{ ...V, volta: { pnpm: '8.0.0' } }], 'pnpm').exact, '9.15.9')
  assert.deepEqual(wish([{ volta: { yarn: '4.1.0' } }, { engines: { yarn: '4' } }], 'yarn'), {
    exact: '4.1.0',
    range: '4',
  })
  assert.deepEqual(wish([V], 'npm'), NONE)
  assert.deepEqual(wish([null, { packageManager: 7, engines: { npm: 10 }, volta: 'x' }], 'npm'), NONE)
})

/** @type {[range: string, majors: string[], version: string][]} */
const RANGES = [
  ['', ['10', '9'], '10'],
  ['>=9', ['10', '9'], '10'],
  ['9.x || 10.x', ['10', '9'], '10'],
  ['^9.4.0', ['10', '9'], '>=9.4.0 <10.0.0-0 9.x'],
  ['>=8 <10', ['10', '9'], '9'],
  ['>=10.5.0', ['10', '9'], '>=10.5.0 10.x'],
  ['9.0.0 - 10.2.0', ['10', '9'], '>=9.0.0 <=10.2.0 10.x'],
  ['8.x || >=10.3 <10.6', ['10'], '>=10.3.0 <10.6.0-0 10.x'],
  ['>=11', ['10', '9'], '>=11'],
  ['no range', ['10', '9'], '10'],
]
for (const [range, majors, version] of RANGES) {
  test(`engines "${range}" of ${majors.join(' and ')}: ${version}`, () => {
    const found = fitting({ exact: '', range }, majors)
    assert.equal(found, version)
    assert.ok(semverOfNpm()?.validRange(found))
  })
}

test('an exact version needs no reader of versions, and without one a range is not read', () => {
  assert.equal(fitting({ exact: '9.1.0', range: '10' }, ['8'], null), '9.1.0')
  assert.equal(fitting({ exact: '', range: '9' }, ['8'], null), '8')
})

test('engines that ask for another version of the same major version are told one that they allow', () => {
  const told = (/** @type {unknown} */ node, actual = 'v20.20.2') => toldNode([{}, { engines: { node } }], actual)
  assert.equal(told('20.11.1'), '20.11.1')
  assert.equal(told('18 || ~20.9'), '20.9.0')
  for (const range of ['20', '>=18', 'lts', undefined]) assert.equal(told(range), '')
  assert.equal(told('20.11.1', ''), '')
  assert.equal(toldNode([{ engines: { node: '>=20' } }, { engines: { node: '20.1.0' } }], 'v20.20.2'), '')
})

test('npm is that of the Node.js that the release has', (t) => {
  const node = folder(t, { 'lib/npm/package.json': { version: '6.1.0' }, 'lib/npm/bin/npm-cli.js': '', 'bin/node': '' })
  fs.symlinkSync('../lib/npm/bin/npm-cli.js', `${node}/bin/npm`)
  assert.equal(npmVersion(`${node}/bin`), '6.1.0')
  assert.match(npmVersion(''), /^\d+\./)
  assert.equal(npmVersion(`${node}/other`), npmVersion(''))
})

test('npm is installed only if the major version of the one that is there is another', () => {
  assert.equal(npmToInstall(NONE, '10.9.0'), '')
  assert.equal(npmToInstall({ exact: '10.2.0', range: '' }, '10.9.0'), '')
  assert.equal(npmToInstall({ exact: '', range: '>=9' }, '10.9.0'), '')
  assert.equal(npmToInstall({ exact: '11.6.0', range: '>=9' }, '10.9.0'), '11.6.0')
  assert.equal(npmToInstall({ exact: '', range: '>=11' }, '10.9.0'), '>=11')
  assert.equal(npmToInstall({ exact: 'latest', range: '' }, '10.9.0'), '')
  assert.equal(npmToInstall({ exact: '11.0.0', range: '' }, ''), '')
  assert.equal(npmToInstall({ exact: '11.0.0', range: '' }, '10.9.0', null), '')
})
