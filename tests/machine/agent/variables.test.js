// Tests of the sets of variables, and of what is masked.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { fromParameters, sets } = require('../../../src/awsdeploy/machine/agent/variables')

const DATABASE = { DB_HOST: 'db.example.com', DB_NAME: 'shop', DB_USER: 'admin', DB_PASSWORD: 'p@ss/word' }
const NONE = { path: '/ca.pem', content: '', library: '' }
const THERE = { path: '/ca.pem', content: 'CERTIFICATE', library: 'mysql2' }
const PLAIN = 'mysql://admin:p%40ss%2Fword@db.example.com:3306/shop'

/**
 * @param {Record<string, Record<string, string>>} sources
 * @param {typeof NONE} [certificates]
 */
const made = (sources, certificates = NONE) =>
  sets({ given: {}, database: {}, own: {}, build: {}, ...sources }, certificates)

test("a user's own value wins, and what is for the build is not there at run time", () => {
  const all = made({
    given: { COLOUR: 'ours', TZ: 'UTC' },
    own: { COLOUR: 'theirs' },
    build: { TOKEN: 'for the build' },
  })
  assert.deepEqual(all.environment, { COLOUR: 'theirs', TZ: 'UTC' })
  assert.deepEqual(all.build, { COLOUR: 'theirs', TZ: 'UTC', TOKEN: 'for the build' })
  assert.deepEqual(all.install, { COLOUR: 'ours', TZ: 'UTC', TOKEN: 'for the build' })
  assert.deepEqual(all.scripts, { COLOUR: 'ours', TZ: 'UTC' })
})

test('DATABASE_URL is made of the parts, unless it is set', () => {
  assert.equal(made({ database: DATABASE }).environment.DATABASE_URL, PLAIN)
  assert.equal(
    made({ database: DATABASE, own: { DB_NAME: 'other' } }).environment.DATABASE_URL,
    PLAIN.replace('shop', 'other'),
  )
  assert.equal(made({ database: DATABASE, own: { DATABASE_URL: 'x' } }).environment.DATABASE_URL, 'x')
  assert.equal(made({}).environment.DATABASE_URL, undefined)
})

test('an address names the certificates as the library reads them', () => {
  const url = (/** @type {typeof NONE} */ certificates, own = {}) =>
    made({ database: { ...DATABASE, DB_SSL_CA: '/elsewhere' }, own }, certificates).environment.DATABASE_URL
  const ssl = encodeURIComponent('{"ca":"CERTIFICATE","verifyIdentity":true}')
  assert.equal(url(THERE), `${PLAIN}?ssl=${ssl}`)
  assert.equal(url({ ...THERE, library: 'prisma' }), `${PLAIN}?sslaccept=strict&sslcert=%2Fca.pem`)
  assert.equal(url({ ...THERE, library: '' }), PLAIN)
  assert.equal(url({ ...THERE, content: '' }), PLAIN)
  assert.equal(url(THERE, { DB_HOST: 'other' }), PLAIN.replace('db.example.com', 'other'))
  assert.equal(made({ database: { DB_SSL_CA: 'x' } }, THERE).environment.DB_SSL_CA, '/ca.pem')
})

test('a secret is masked in each form, and what is not secret is not', () => {
  const { masks } = made({
    given: { OPEN: 'open value' },
    database: DATABASE,
    own: { KEY: 'first line\nsecond "line"', SHORT: 'abc', OPEN: 'open value' },
    running: { OLD: 'older value' },
  })
  for (const value of [
    'p@ss/word',
    'p%40ss%2Fword',
    'first line',
    'second "line"',
    'second \\"line\\"',
    'older value',
  ]) {
    assert.ok(masks.includes(value), value)
  }
  for (const value of ['db.example.com', 'abc', 'open value']) assert.ok(!masks.includes(value), value)
  assert.deepEqual(
    masks,
    [...masks].sort((one, other) => other.length - one.length),
    'longest first',
  )
})

test('half a character is masked too', () =>
  assert.ok(made({ own: { A: 'secret\ud800' } }).masks.includes('secret\ud800')))

test("the answer of Parameter Store is read by the names' last part", () => {
  const answer = { Parameters: [{ Name: '/deploy/shop/prod/api/A', Value: '1' }] }
  assert.deepEqual(fromParameters(JSON.stringify(answer)), { A: '1' })
  assert.deepEqual(fromParameters(''), {})
})
