// Tests of files that must not be left half-written, with a disk that is full.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const test = require('node:test')
const { folder } = require('./folders')
const { environment } = require('../../../src/awsdeploy/machine/agent/environment')
const { writeUnit } = require('../../../src/awsdeploy/machine/agent/systemd')
const { replaceFile, writePrivate } = require('../../../src/awsdeploy/machine/agent/write')

/** From here on a write opens its file, which empties it, and then fails. @param {import('node:test').TestContext} t */
function fillDisk(t) {
  t.mock.method(fs, 'writeFileSync', (/** @type {fs.PathOrFileDescriptor} */ file) => {
    if (typeof file !== 'number') fs.closeSync(fs.openSync(file, 'w'))
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  })
}

const SELF = { name: '', home: '/', uid: -1, gid: -1 }

/** @param {string} root */
async function environmentStep(root) {
  const run = {
    id: 'one',
    settings: { known: `${root}/known`, stack: 's', service: 'api', region: 'r', databaseCa: `${root}/ca.pem` },
    known: `${root}/known/one`,
    kept: `${root}/shared/one`,
    at: root,
    users: { app: SELF, builder: SELF },
    manifest: { database: false, environment: {}, variables: {} },
    sets: { unknown: [], environment: {} },
    manifestText: '{"new": true}',
    runner: { capture: async () => ({ status: 0, text: '' }) },
    report: { begin() {}, secrets: [] },
    orBroken: (/** @type {string} */ _, /** @type {() => void} */ work) => work(),
  }
  await environment(/** @type {any} */ (run))
}

/** @type {[file: string, work: (root: string) => unknown][]} */
const FILES = [
  ['record', (root) => replaceFile(`${root}/record`, 'new')],
  ['known/one/manifest.json', environmentStep],
  ['units/a.service', (root) => writeUnit(`${root}/units`, 'a.service', 'new')],
]

for (const [file, work] of FILES) {
  test(`a full disk leaves ${file} as it was`, async (t) => {
    const root = folder(t, { [file]: 'old' })
    fillDisk(t)
    await assert.rejects(async () => work(root), /ENOSPC/)
    assert.equal(fs.readFileSync(`${root}/${file}`, 'utf8'), 'old')
  })
}

test('a replaced file has the new text, and a private one only its user can read', (t) => {
  const root = folder(t, { a: 'old', b: 'old' })
  replaceFile(`${root}/a`, 'new')
  fs.chmodSync(`${root}/b`, 0o644)
  writePrivate(`${root}/b`, 'new')
  assert.deepEqual([fs.readFileSync(`${root}/a`, 'utf8'), fs.readFileSync(`${root}/b`, 'utf8')], ['new', 'new'])
  assert.equal(fs.statSync(`${root}/b`).mode & 0o777, 0o600)
  assert.deepEqual(fs.readdirSync(root).sort(), ['a', 'b'])
})
