// Tests of what a log says. The rows themselves are in tests/machine/test_release_failures.py.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { diagnose, ownWords } = require('../../../src/awsdeploy/machine/agent/failures')

test('an unknown log has no diagnosis', () => assert.equal(diagnose('error TS2304: no such name', 'api'), null))

test('colours do not hide a failure', () => {
  assert.match(diagnose('\x1b[31mENOSPC\x1b[0m', 'api')?.diagnosis || '', /disk is full/)
})

test('a sentence names what was found, and the service', () => {
  const found = diagnose('npm error code E404\nnpm error 404 Not Found - GET https://x/@shop%2fui - Not found', 'api')
  assert.equal(found?.diagnosis, 'The package registry has no package @shop/ui: it is private or does not exist.')
  assert.match(found?.remedy || '', /awsdeploy env set api NPM_TOKEN --build/)
})

test('a particular row comes before a general one', () => {
  const log = 'git fetch https://git.example.com/x abcdef0\nfatal: Authentication failed\nexit status 128'
  assert.match(diagnose(log, 'api')?.diagnosis || '', /^git refused/)
})

test('half an escape is shown as it is', () => {
  assert.match(
    diagnose('git fetch https://x/%zz 1234567\nrepository not found: Repository not found', 'a')?.diagnosis || '',
    /%zz/,
  )
})

const WORDS = {
  'Error: a sad story\n    at main.js:1:1': 'Error: a sad story.',
  '[TypeError: fetch failed] {\n  cause: x': 'TypeError: fetch failed.',
  'Error: first\nError [ERR_X]: second {': 'Error [ERR_X]: second.',
  'listening on 3000': '',
}
for (const [log, words] of Object.entries(WORDS)) {
  test(`the words of a program: ${words || 'none'}`, () => assert.equal(ownWords(log), words))
}
