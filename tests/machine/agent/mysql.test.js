// Tests of the MySQL client: proofs of a password as a server checks them, and rows.
// @ts-check
'use strict'
const assert = require('assert/strict')
const crypto = require('crypto')
const test = require('node:test')
const { proofOf, texts } = require('../../../src/awsdeploy/machine/agent/mysql')

const SALT = Buffer.from('abcdefghijklmnopqrst')

for (const [plugin, algorithm] of [
  ['mysql_native_password', 'sha1'],
  ['caching_sha2_password', 'sha256'],
]) {
  test(`a server that knows the digest of a digest accepts the proof of ${plugin}`, () => {
    const digest = (/** @type {Buffer[]} */ ...parts) =>
      crypto.createHash(algorithm).update(Buffer.concat(parts)).digest()
    const stored = digest(digest(Buffer.from('secret')))
    const mask = algorithm === 'sha1' ? digest(SALT, stored) : digest(stored, SALT)
    const proof = proofOf(plugin, 'secret', SALT)
    assert.deepEqual(digest(Buffer.from(proof.map((byte, place) => byte ^ mask[place]))), stored)
  })
}

test('a server that asks for something else is named', () => {
  assert.throws(() => proofOf('dialog', 'secret', SALT), /asks for dialog/)
})

test('a row is read whatever the length of its texts', () => {
  const long = Buffer.alloc(300, 'x')
  const row = Buffer.concat([Buffer.from([1, 0x61, 0xfb, 0xfc, 0x2c, 0x01]), long])
  assert.deepEqual(texts(row), ['a', '', long.toString()])
})
