// Tests of what is not shown of an output.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const path = require('path')
const test = require('node:test')
const { noise, withoutNoise } = require('../../../src/awsdeploy/machine/agent/noise')

/** @param {string} text */
function shown(text) {
  const isNoise = noise()
  return text.split('\n').filter((line) => !isNoise(line))
}

/** @param {string} name */
const log = (name) =>
  shown(
    fs
      .readFileSync(path.join(__dirname, 'logs', name), 'utf8')
      .replace(/^#.*\n/, '')
      .trimEnd(),
  )

const INSTALLED = {
  'noise.npm.txt': ['added 50 packages in 12s'],
  'noise.npm10.txt': ['npm warn using --force Recommended protections disabled.', '', 'up to date in 7s'],
  'noise.npm-old.txt': ['added 3 packages in 3s'],
  'noise.pnpm.txt': ['Packages: +50', '.../bcrypt@6.0.0/node_modules/bcrypt install$ node-gyp-build'],
  'noise.yarn.txt': ['yarn install v1.22.22', '[4/4] Building fresh packages...', 'success Saved lockfile.'],
}
for (const [name, expected] of Object.entries(INSTALLED)) {
  test(`what counts in ${name} is shown`, () => {
    const lines = log(name)
    for (const line of expected) assert.ok(lines.includes(line), line)
    assert.doesNotMatch(
      lines.join('\n'),
      /notice|fund|deprecated|Progress|Update available|No license|allow-scripts|EBADENGINE|old lockfile/,
    )
  })
}

test('a setting of npm for another version is not shown', () => {
  assert.deepEqual(
    shown('npm warn Unknown user config "nodedir". This will stop working in the next major.\nadded 1'),
    ['added 1'],
  )
})

test('the age of a list of browsers is not shown', () => {
  const line =
    '[baseline-browser-mapping] The data in this module is over two months old.  To ensure accurate Baseline data'
  assert.deepEqual(shown(`${line}\n✓ Compiled`), ['✓ Compiled'])
})

test('of a refused lock file the reason is shown, and not how npm is used', () => {
  assert.deepEqual(log('lock.npm.txt').slice(-6), [
    'npm error Missing: is-odd@3.0.1 from lock file',
    'npm error Missing: is-number@6.0.0 from lock file',
    'npm error',
    'npm error Clean install a project',
    'npm error',
    'exit status 1',
  ])
})

test('a conflict is shown with its indented lines', () => {
  assert.ok(log('peer-conflict.npm.txt').includes('npm error   react@"19.0.0" from the root project'))
})

test('other lines are shown, and empty ones after noise are not', () => {
  const said = [
    'compiled',
    '',
    'npm notice',
    'npm notice New minor version',
    '',
    'npm warn deprecated a@1: old',
    'done',
  ]
  assert.deepEqual(shown(said.join('\n')), ['compiled', '', 'done'])
})

test('noise is written to the log', () => {
  /** @type {string[][]} */
  const calls = []
  const take = withoutNoise({
    file: (line) => calls.push(['file', line]),
    relay: (line) => calls.push(['relay', line]),
  })
  for (const line of ['npm notice new', 'built']) take(line)
  assert.deepEqual(calls, [
    ['file', 'npm notice new'],
    ['relay', 'built'],
  ])
})
