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

const TEMPLATES = { DATABASE_HOST: '{DB_HOST}', DB_URL: 'mysql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}', TZ: 'Asia/Seoul' }

test("a template wins over our value, and a user's own value over a template", () => {
  const sources = { given: { TZ: 'UTC' }, database: DATABASE, templates: TEMPLATES }
  const { environment, build, install, unknown } = made(sources)
  assert.equal(environment.DATABASE_HOST, 'db.example.com')
  assert.equal(environment.DB_URL, 'mysql://admin:p%40ss%2Fword@db.example.com')
  assert.deepEqual([environment.TZ, build.TZ, install.TZ], ['Asia/Seoul', 'Asia/Seoul', 'UTC'])
  assert.equal(install.DB_URL, undefined)
  assert.deepEqual(unknown, [])
  const own = { DATABASE_HOST: 'theirs', DB_HOST: 'other' }
  const set = made({ ...sources, own }).environment
  assert.deepEqual([set.DATABASE_HOST, set.DB_URL], ['theirs', 'mysql://admin:p%40ss%2Fword@other'])
})

test('a template inserts the values without the table, whatever the order of its lines', () => {
  const templates = { DATABASE_URL: '{DATABASE_URL}?limit=5', DB_NAME: 'new', COPY: '{DB_NAME}' }
  const { environment } = made({ database: DATABASE, templates })
  assert.equal(environment.DATABASE_URL, `${PLAIN}?limit=5`)
  assert.deepEqual([environment.DB_NAME, environment.COPY], ['new', 'shop'])
})

test('names that nobody has set are told, with those that can be used', () => {
  const found = made({ own: { A: '1', B: '2' }, templates: { X: '{A}{MISSING}', Y: '{MISSING}{{B}}', A: '{ALSO}' } })
  assert.deepEqual([found.unknown, found.known], [['MISSING'], ['A', 'B']])
})

test('of templates those with a secret value are masked', () => {
  const { masks } = made({
    given: { AWS_REGION: 'ap-northeast-2' },
    database: DATABASE,
    own: { STRIPE: 'stripe-key' },
    templates: { ...TEMPLATES, OPTIONS: '--max-old-space-size=512', KEY: 'key {STRIPE}', PLACE: 'in {AWS_REGION}' },
  })
  for (const value of ['key stripe-key', 'mysql://admin:p%40ss%2Fword@db.example.com']) {
    assert.ok(masks.includes(value), value)
  }
  for (const value of ['--max-old-space-size=512', 'db.example.com', 'in ap-northeast-2', 'Asia/Seoul']) {
    assert.ok(!masks.includes(value), value)
  }
})

test('a password that a template hides is masked all the same', () =>
  assert.ok(made({ database: DATABASE, templates: { DB_PASSWORD: 'x' } }).masks.includes('p@ss/word')))

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
