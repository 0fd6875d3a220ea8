// Tests of the packages that are kept from one install to the next.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const path = require('path')
const test = require('node:test')
const { folder } = require('./folders')
const cache = require('../../../src/awsdeploy/machine/agent/install_cache')
const { files } = require('../../../src/awsdeploy/machine/agent/install_inputs')

const SELF = { name: '', home: '', uid: -1, gid: -1 }
const FILES = {
  'package.json': { name: 'top', workspaces: ['apps/*'] },
  'package-lock.json': { lockfileVersion: 3 },
  'apps/web/package.json': { name: 'web' },
  'apps/web/page.tsx': 'page',
  'node_modules/a/package.json': { name: 'a' },
  'node_modules/a/index.js': 'a',
  'apps/web/node_modules/b/index.js': 'b',
}

/**
 * @param {string} top
 * @param {object} [more]
 */
function run(top, more = {}) {
  const manager = { folder: top, tool: 'npm', version: '', program: ['npm'] }
  const settings = { installs: path.join(path.dirname(top), `installs-${path.basename(top)}`) }
  const users = { app: SELF, builder: SELF }
  const sets = { install: {} }
  return /** @type {any} */ ({ folder: top, manager, settings, users, nodeVersion: 'v24.1.0', sets, ...more })
}

test('the key follows all that an install depends on, and nothing else', (t) => {
  const top = folder(t, FILES)
  const key = cache.keyOf(run(top))
  assert.match(key, /^[0-9a-f]{64}$/)
  fs.writeFileSync(`${top}/apps/web/page.tsx`, 'another')
  fs.writeFileSync(`${top}/node_modules/a/package.json`, '{}')
  assert.equal(cache.keyOf(run(top)), key)
  const others = new Set([key])
  const names = [
    'package-lock.json',
    'apps/web/package.json',
    '.npmrc',
    'prisma/schema.prisma',
    'patches/a+1.0.0.patch',
  ]
  for (const name of names) {
    fs.mkdirSync(path.dirname(`${top}/${name}`), { recursive: true })
    fs.writeFileSync(`${top}/${name}`, '{"version": "2"}')
    others.add(cache.keyOf(run(top)))
  }
  others.add(cache.keyOf(run(top, { nodeVersion: 'v22.0.0' })))
  others.add(cache.keyOf(run(top, { sets: { install: { ARCH: 'x' } } })))
  assert.equal(others.size, 8)
})

test('pnpm and yarn 2 have stores of their own, and without a lock file nothing is certain', (t) => {
  const top = folder(t, FILES)
  for (const tool of ['pnpm', 'yarn 2', 'npm without a lock file']) {
    assert.equal(cache.keyOf(run(top, { manager: { folder: top, tool, version: '', program: [tool] } })), '')
  }
  assert.equal(cache.keyOf(run(top, { manager: undefined })), '')
})

test('a lock file that is a link counts by its content, and one that leads nowhere is no error', (t) => {
  const top = folder(t, { 'package.json': {}, 'config/lock.json': '1', 'config/npmrc': '' })
  fs.symlinkSync('config/lock.json', `${top}/package-lock.json`)
  fs.symlinkSync('gone', `${top}/.npmrc`)
  const key = cache.keyOf(run(top))
  fs.writeFileSync(`${top}/config/lock.json`, '2')
  assert.notEqual(cache.keyOf(run(top)), key)
})

test('of the repository around the lock file only schemas count', (t) => {
  const root = folder(t, {
    'back/package.json': {},
    'front/package.json': {},
    'db/schema.prisma': 'a',
    'back2/.npmrc': '',
  })
  const key = () => cache.keyOf(run(`${root}/back`, { folder: root }))
  const keys = [key()]
  for (const name of ['front/package.json', 'back2/.npmrc', 'db/schema.prisma']) {
    fs.writeFileSync(`${root}/${name}`, '{"version": "2"}')
    keys.push(key())
  }
  assert.deepEqual([keys[1], keys[2]], [keys[0], keys[0]])
  assert.notEqual(keys[3], keys[0])
})

/** @type {[name: string, files: Record<string, unknown>, yarn: boolean, npm: boolean][]} */
const UNCLEAR = [
  ['a folder that yarn copies', { 'package.json': { dependencies: { lib: 'file:../lib' } } }, false, true],
  ['a folder without file:', { 'package.json': { devDependencies: { lib: './lib' } } }, false, true],
  [
    'an archive, whose hash is in the lock file',
    { 'package.json': { dependencies: { a: 'file:a-1.0.0.tgz' } } },
    true,
    true,
  ],
  ['a link', { 'package.json': { dependencies: { lib: 'link:../lib' } } }, true, true],
  ['scripts of the top', { 'package.json': { scripts: { postinstall: 'x' } } }, true, true],
  ['scripts of a workspace', { 'packages/db/package.json': { scripts: { postinstall: 'x' } } }, false, true],
  ['other scripts of a workspace', { 'packages/db/package.json': { scripts: { build: 'x' } } }, true, true],
  ['npm that copies folders', { '.npmrc': 'install-links=true\n' }, false, false],
  ['a package.json that is no JSON', { 'packages/db/package.json': '{' }, true, true],
]
for (const [name, more, yarn, npm] of UNCLEAR) {
  test(`packages that may depend on other files are not kept: ${name}`, (t) => {
    const top = folder(t, { 'package.json': {}, ...more })
    const has = (/** @type {string} */ tool) =>
      cache.keyOf(run(top, { manager: { folder: top, tool, version: '', program: [tool] } })) !== ''
    assert.deepEqual([has('yarn'), has('npm')], [yarn, npm])
  })
}

test('a folder whose name is not UTF-8 is no error', { skip: process.platform === 'darwin' }, (t) => {
  const top = folder(t, FILES)
  const korean = Buffer.concat([Buffer.from(`${top}/`), Buffer.from([0xc7, 0xd1])]) // CP949
  fs.mkdirSync(korean)
  fs.writeFileSync(Buffer.concat([korean, Buffer.from('/package.json')]), '{}')
  assert.match(cache.keyOf(run(top)), /^[0-9a-f]{64}$/)
})

test('packages of the top and of a workspace come back, and only the last install is kept', (t) => {
  const old = run(folder(t, FILES))
  t.after(() => fs.rmSync(old.settings.installs, { recursive: true, force: true }))
  cache.keep(old, 'one')
  const fresh = folder(t, { 'package.json': {}, 'apps/web/package.json': {} })
  const next = run(fresh, { settings: old.settings })
  assert.equal(cache.restore(next, 'two'), false)
  assert.equal(cache.restore(next, ''), false)
  assert.equal(cache.restore(next, 'one'), true)
  assert.equal(fs.readFileSync(`${fresh}/node_modules/a/index.js`, 'utf8'), 'a')
  assert.equal(fs.readFileSync(`${fresh}/apps/web/node_modules/b/index.js`, 'utf8'), 'b')
  cache.keep(next, 'two')
  assert.deepEqual(fs.readdirSync(old.settings.installs), ['two'])
})

test('programs of own packages can be run from the copied links', (t) => {
  const old = run(folder(t, { 'package.json': {}, 'tool/run.js': '', 'node_modules/a/run.js': '' }))
  t.after(() => fs.rmSync(old.settings.installs, { recursive: true, force: true }))
  const bin = `${old.manager.folder}/node_modules/.bin`
  fs.mkdirSync(bin)
  const links = { own: '../../tool/run.js', other: '../a/run.js', gone: '../../gone.js', outside: '/etc/hostname' }
  for (const [name, to] of Object.entries(links)) fs.symlinkSync(to, `${bin}/${name}`)
  cache.keep(old, 'one')
  const fresh = folder(t, { 'package.json': {}, 'tool/run.js': '' })
  const before = fs.statSync('/etc/hostname').mode
  assert.equal(cache.restore(run(fresh, { settings: old.settings }), 'one'), true)
  const isExecutable = (/** @type {string} */ name) => Boolean(fs.statSync(`${fresh}/${name}`).mode & 0o100)
  assert.deepEqual([isExecutable('tool/run.js'), isExecutable('node_modules/a/run.js')], [true, false])
  assert.equal(fs.statSync('/etc/hostname').mode, before)
})

test('an install that cannot be kept leaves nothing', (t) => {
  const top = folder(t, { 'package.json': {} })
  const none = run(top)
  t.after(() => fs.rmSync(none.settings.installs, { recursive: true, force: true }))
  cache.keep(none, 'one')
  assert.deepEqual(fs.readdirSync(none.settings.installs), [])
  const full = run(top, { settings: { installs: `${top}/package.json/installs` } })
  cache.keep(full, 'one')
  cache.keep(none, '')
  cache.keep(run(top, { manager: undefined }), 'one')
  assert.equal(cache.restore(run(top, { manager: undefined }), 'one'), false)
})

test('a repository with too many files is not read to its end', (t) => {
  const top = folder(t, FILES)
  const found = files(top)
  assert.deepEqual(found, ['apps/web/package.json', 'apps/web/page.tsx', 'package-lock.json', 'package.json'])
  t.mock.method(fs, 'readdirSync', (/** @type {string} */ name) =>
    name === top ? Array.from({ length: 20001 }, (_, n) => entry(`f${n}`)) : [],
  )
  assert.equal(cache.keyOf(run(top)), '')
})

/** @param {string} name */
function entry(name) {
  return { name, isDirectory: () => false, isFile: () => true }
}
