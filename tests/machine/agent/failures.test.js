// Tests of what a log says. Each known failure has real logs in logs/, whose names begin with the row's.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const path = require('path')
const test = require('node:test')
const { diagnose, ownWords } = require('../../../src/awsdeploy/machine/agent/failures')
const { ROWS } = require('../../../src/awsdeploy/machine/agent/known_failures')

const { table, written } = require('./failures_table')

const LOGS = path.join(__dirname, 'logs')
const COLOURS = /\x1b\[[0-9;]*m/g
const names = fs.readdirSync(LOGS).filter((name) => name.endsWith('.txt') && !name.startsWith('noise.'))
const STEPS = ['fetch', 'install', 'build', 'migrate', 'check']

/** @param {string} name */
const read = (name) => fs.readFileSync(path.join(LOGS, name), 'utf8').replace(/^#.*\n/, '')

for (const row of ROWS) {
  const mine = names.filter((name) => name.split('.')[0] === row.name)
  const steps = STEPS.filter(
    (step) => row.step === 'any' || row.step.replace('start', 'check').split(' ').includes(step),
  )
  for (const name of mine) {
    test(`${name} is known`, () => {
      const log = read(name)
      for (const step of steps) assert.equal(diagnose(log, 'api', step)?.name, row.name, step)
      const found = diagnose(log, 'api', steps[0])
      assert.match(`${found?.diagnosis}`, /^\S.*[^.][.?]$/)
      assert.doesNotMatch(`${found?.diagnosis} ${found?.remedy}`, /\$1|SERVICE|\?[^ ]/)
    })
  }
  test(`${row.name} has a log, which has its symptom`, () => {
    assert.ok(mine.length && steps.length)
    const words = row.symptom.split(/…|, (?:with|from) [^]*/).filter(Boolean)
    const logs = mine.map((name) => read(name).replace(COLOURS, ''))
    assert.ok(
      logs.some((log) => words.every((word) => log.includes(word))),
      row.symptom,
    )
    assert.match(row.remedy, /[.?]$/)
  })
}

test('each log belongs to a row', () => {
  assert.deepEqual(
    names.filter((name) => !ROWS.some((row) => row.name === name.split('.')[0])),
    [],
  )
})

test('the table in docs/troubleshooting.md is up to date: node tests/machine/agent/failures_table.js writes it', () => {
  assert.equal(written(), table())
})

test('an unknown log has no diagnosis', () => assert.equal(diagnose('a sad story', 'api', 'build'), null))

test('the same words mean a registry at the installation and a variable at the start', () => {
  const log = 'Error: getaddrinfo ENOTFOUND host.nowhere.example'
  assert.match(diagnose(log, 'api', 'install')?.remedy || '', /\.npmrc/)
  assert.match(diagnose(log, 'api', 'verify')?.remedy || '', /awsdeploy env list/)
})

test('colours do not hide a failure', () => {
  assert.match(diagnose('\x1b[31mENOSPC\x1b[0m', 'api', 'build')?.diagnosis || '', /disk is full/)
})

test('a sentence names what was found, and the service', () => {
  const found = diagnose(read('private-missing.npm.txt'), 'api', 'install')
  assert.equal(found?.diagnosis, 'The package registry has no package @shop/ui: it is private or does not exist.')
  assert.match(found?.remedy || '', /awsdeploy env set api NPM_TOKEN --build/)
})

test('the variable that a program demands is in the command that sets it', () => {
  for (const name of names.filter((one) => one.startsWith('variable-missing.') && !one.includes('own2'))) {
    const remedy = diagnose(read(name), 'api', 'check')?.remedy || ''
    assert.match(remedy, /`awsdeploy env set api JWT_SECRET=…`.*\[services\.api\.variables\]/, name)
  }
})

const OTHERS = [
  'ReferenceError: DEBUG_LEVEL is not defined',
  'Environment variables: NODE_ENV=production',
  'environment variables of the process are read',
]
for (const log of OTHERS) {
  test(`no variable is missing: ${log}`, () => assert.equal(diagnose(log, 'api', 'check'), null))
}

const SERVICES = {
  'Error: connect ECONNREFUSED ::1:6379': 'database-redis',
  "PrismaClientInitializationError: Can't reach database server at `localhost:5432`": 'database-postgresql',
  'Error: getaddrinfo ENOTFOUND postgres': 'database-postgresql',
  'Error: connect ECONNREFUSED 127.0.0.1:9092': 'broker',
  "Can't reach database server at `shop.rds.amazonaws.com:3306`": 'database-silent',
}
for (const [log, name] of Object.entries(SERVICES)) {
  test(`${log}: ${name}`, () => assert.equal(diagnose(log, 'api', 'check')?.name, name))
}

test('half an escape is shown as it is', () => {
  const log = 'git fetch https://x/%zz 1234567\nrepository not found: Repository not found'
  assert.match(diagnose(log, 'a', 'fetch')?.diagnosis || '', /%zz/)
})

const WORDS = {
  'Error: a sad story\n    at main.js:1:1': 'Error: a sad story.',
  '[TypeError: fetch failed] {\n  cause: x': 'TypeError: fetch failed.',
  'Error: first\nError [ERR_X]: second {': 'Error [ERR_X]: second.',
  'Error: it ended.': 'Error: it ended.',
  'listening on 3000': '',
}
for (const [log, words] of Object.entries(WORDS)) {
  test(`the words of a program: ${words || 'none'}`, () => assert.equal(ownWords(log), words))
}
