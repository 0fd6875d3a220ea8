// Tests of which program installs packages, and how.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { folder } = require('./folders')
const { databaseLibrary } = require('../../../src/awsdeploy/machine/agent/database_library')
const manager = require('../../../src/awsdeploy/machine/agent/package_manager')

const V9 = "lockfileVersion: '9.0'\n"

/** @type {[name: string, files: Record<string, unknown>, tool: string, version: string][]} */
const CASES = [
  ['no lock file', { 'package.json': {} }, 'npm without a lock file', ''],
  ['npm', { 'package-lock.json': {} }, 'npm', ''],
  ['shrinkwrap', { 'npm-shrinkwrap.json': {} }, 'npm', ''],
  ['yarn 1', { 'yarn.lock': '# yarn lockfile v1\n' }, 'yarn', ''],
  ['yarn 3', { 'yarn.lock': '__metadata:\n  version: 6\n' }, 'yarn 2', '3'],
  ['yarn 4 before 4.14', { 'yarn.lock': '__metadata:\n  version: 8\n' }, 'yarn 2', '4.13'],
  ['yarn 4 since 4.15', { 'yarn.lock': '__metadata:\n  version: 10\n' }, 'yarn 2', '4'],
  ['yarn by package.json', { 'yarn.lock': '', 'package.json': { packageManager: 'yarn@3.6.0' } }, 'yarn 2', '3.6.0'],
  ['yarn 1 by package.json', { 'yarn.lock': '', 'package.json': { packageManager: 'yarn@1.22.1' } }, 'yarn', '1.22.1'],
  ['pnpm 7', { 'pnpm-lock.yaml': 'lockfileVersion: 5.4\n' }, 'pnpm', '7'],
  ['pnpm 8', { 'pnpm-lock.yaml': "lockfileVersion: '6.0'\n" }, 'pnpm', '8'],
  ['pnpm 10', { 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" }, 'pnpm', '10'],
  ['bun', { 'bun.lock': '{}', 'package.json': { packageManager: 'bun@1.2.3' } }, 'bun', '1.2.3'],
  ['an older bun', { 'bun.lockb': '' }, 'bun', '1'],
  [
    'packageManager before engines',
    { 'pnpm-lock.yaml': '', 'package.json': { packageManager: 'pnpm@9.1.0', engines: { pnpm: '>=10' } } },
    'pnpm',
    '9.1.0',
  ],
  ['pnpm by engines', { 'pnpm-lock.yaml': V9, 'package.json': { engines: { pnpm: '9.x' } } }, 'pnpm', '9'],
  ['yarn by engines', { 'yarn.lock': '__metadata:', 'package.json': { engines: { yarn: '^3.2' } } }, 'yarn 2', '^3.2'],
  ['yarn 1 and engines', { 'yarn.lock': '', 'package.json': { engines: { yarn: '>=1.22' } } }, 'yarn', ''],
  ['pnpm by Volta', { 'pnpm-lock.yaml': '', 'package.json': { volta: { pnpm: '8.15.1' } } }, 'pnpm', '8.15.1'],
  ['engines of npm that fit', { 'package-lock.json': {}, 'package.json': { engines: { npm: '>=8' } } }, 'npm', ''],
  ['another npm', { 'package-lock.json': {}, 'package.json': { packageManager: 'npm@6.14.18' } }, 'npm', '6.14.18'],
  [
    'two lock files, and package.json decides',
    { 'package-lock.json': {}, 'pnpm-lock.yaml': '', 'package.json': { packageManager: 'pnpm@9.15.9+sha512.abc' } },
    'pnpm',
    '9.15.9',
  ],
]

for (const [name, files, tool, version] of CASES) {
  test(name, (t) => {
    const at = folder(t, files)
    assert.deepEqual(manager.find(at, at), { folder: at, tool, version })
  })
}

test('the nearest lock file above a service is used, but none outside the release', (t) => {
  const root = folder(t, { 'yarn.lock': '', 'release/package-lock.json': {}, 'release/apps/api/package.json': {} })
  const found = manager.find(`${root}/release/apps/api`, `${root}/release`)
  assert.deepEqual([found.folder, found.tool], [`${root}/release`, 'npm'])
  assert.equal(manager.find(`${root}/other`, `${root}/other`).tool, 'npm without a lock file')
})

test('the lock file of the manifest counts, wherever it is', (t) => {
  const root = folder(t, { 'pnpm-lock.yaml': '', 'apps/api/package-lock.json': {}, 'apps/api/yarn.lock': '' })
  const found = (/** @type {string} */ named) => manager.find(`${root}/apps/api`, root, named)
  assert.deepEqual([found('pnpm-lock.yaml').folder, found('pnpm-lock.yaml').tool], [root, 'pnpm'])
  assert.equal(found('apps/api/yarn.lock').tool, 'yarn')
  assert.equal(found('').tool, 'npm')
  assert.equal(found('gone/yarn.lock').tool, 'npm without a lock file')
})

test('a package.json may begin with a byte order mark, and have no object', (t) => {
  const at = folder(t, { 'package.json': '\uFEFF{"dependencies": {"prisma": "6"}}', 'package-lock.json': '' })
  assert.equal(manager.find(at, at).tool, 'npm')
  assert.equal(databaseLibrary(at), 'prisma')
  const none = folder(t, { 'package.json': 'null' })
  assert.equal(manager.find(none, none).tool, 'npm without a lock file')
  assert.equal(databaseLibrary(none), '')
})

test('pnpm is told a Node.js that engines allow', (t) => {
  const root = folder(t, { 'package.json': { engines: { node: '20.11.1' } }, 'api/package.json': {} })
  assert.equal(manager.nodeFor(`${root}/api`, root, 'v20.20.2'), '20.11.1')
  assert.equal(manager.nodeFor(`${root}/api`, root, 'v20.11.1'), '')
})

test('a package.json that is not JSON is an error', (t) => {
  const at = folder(t, { 'package.json': '{' })
  assert.throws(() => manager.find(at, at), SyntaxError)
})

test('a line that calls a package manager which the machine does not have gets it', () => {
  const shell = (/** @type {any} */ tool, /** @type {string} */ line, yarn = true) =>
    manager.shell(manager.program({ folder: '', tool, version: '9' }, yarn), line)
  const pnpm = ['env', 'npm_config_engine_strict=false', 'npm', 'exec', '--yes', '--package=pnpm@9', '--']
  const lines = ['pnpm run migrate', 'cd ../.. && pnpm -r migrate', 'npx turbo run migrate', '(pnpm --version)']
  for (const line of lines) assert.deepEqual(shell('pnpm', line), [...pnpm, 'bash', '-c', line])
  for (const line of ['npx prisma migrate deploy', 'node pnpm.js', 'npm run pnpm:x', 'echo mypnpm']) {
    assert.deepEqual(shell('pnpm', line), ['bash', '-c', line])
  }
  assert.deepEqual(shell('npm', 'npm run migrate').slice(3), ['--package=npm@9', '--', 'bash', '-c', 'npm run migrate'])
  assert.deepEqual(shell('yarn', 'yarn migrate'), ['env', 'YARN_IGNORE_ENGINES=true', 'bash', '-c', 'yarn migrate'])
  assert.equal(shell('yarn', 'yarn migrate', false)[5], '--package=yarn@1.22.22')
  assert.equal(shell('yarn 2', 'yarn run migrate')[0], 'env')
  assert.equal(shell('bun', 'bun run migrate')[3], '--package=bun@9')
  assert.deepEqual(shell('bun', 'bunx prisma migrate deploy').slice(-2), ['-c', 'bunx prisma migrate deploy'])
  assert.equal(shell('bun', 'bunx prisma migrate deploy')[0], 'npm')
})

test('a program that is not on the machine is started through npm', () => {
  const program = (/** @type {any} */ tool, yarn = false) =>
    manager.program({ folder: '', tool, version: '9' }, yarn).join(' ')
  assert.equal(program('npm'), 'npm exec --yes --package=npm@9 -- npm')
  assert.deepEqual(manager.program({ folder: '', tool: 'npm', version: '' }, false), ['npm'])
  assert.equal(program('npm without a lock file'), 'npm')
  assert.equal(program('yarn', true), 'env YARN_IGNORE_ENGINES=true yarn')
  assert.equal(program('yarn'), 'env YARN_IGNORE_ENGINES=true npm exec --yes --package=yarn@1.22.22 -- yarn')
  assert.equal(program('pnpm'), 'env npm_config_engine_strict=false npm exec --yes --package=pnpm@9 -- pnpm')
  const told = manager.program({ folder: '', tool: 'pnpm', version: '9' }, false, '20.11.1')
  assert.deepEqual(told.slice(0, 3), ['env', 'npm_config_engine_strict=false', 'npm_config_node_version=20.11.1'])
  assert.equal(program('bun'), 'npm exec --yes --package=bun@9 -- bun')
  assert.match(program('yarn 2'), /^env YARN_NODE_LINKER=node-modules .* --package=@yarnpkg\/cli-dist@9 -- yarn$/)
})

test('an installation leaves out the scripts of packages in each program', () => {
  for (const tool of /** @type {const} */ (['npm', 'npm without a lock file', 'yarn', 'yarn 2', 'pnpm', 'bun'])) {
    const { install, withoutScripts, scripts } = manager.installation(tool)
    assert.deepEqual(withoutScripts.slice(0, -1), install)
    assert.match(withoutScripts.slice(-1)[0], /^--(ignore-scripts|mode=skip-build)$/)
    assert.ok(scripts.length && !scripts.includes('--ignore-scripts'))
  }
})

test('npm is asked to remove something only where there is something to remove', (t) => {
  const removal = (/** @type {string} */ lock) => {
    const found = /** @type {const} */ ({ folder: folder(t, { 'package-lock.json': lock }), tool: 'npm', version: '' })
    return manager.removal(found)[0]
  }
  assert.equal(removal('{"packages": {"near": {"dev": true}}}'), 'prune')
  assert.equal(removal('{"packages": {"near": {"devOptional":true}}}'), 'prune')
  assert.equal(removal('{"packages": {"near": {}}}'), undefined)
  assert.deepEqual(manager.removal({ folder: '', tool: 'npm without a lock file', version: '' }), [])
  assert.equal(manager.removal({ folder: '', tool: 'pnpm', version: '' }).join(' '), 'prune --prod --ignore-scripts')
})

test('the library of the database is known by package.json', (t) => {
  const library = (/** @type {unknown} */ own) => databaseLibrary(folder(t, { 'package.json': own }))
  assert.equal(library({ dependencies: { mysql2: '3' } }), 'mysql2')
  assert.equal(library({ devDependencies: { prisma: '6' }, dependencies: { mysql2: '3' } }), 'prisma')
  assert.equal(library({ dependencies: { mysql2: '3', sequelize: '6' } }), '')
  assert.equal(library({}), '')
  assert.equal(library('{'), '')
})

test('a program of the packages is started by each manager', () => {
  const words = ['turbo', 'run', 'build']
  assert.deepEqual(manager.execution('npm', words), ['exec', '--no', '--', ...words])
  assert.deepEqual(manager.execution('npm without a lock file', words), ['exec', '--no', '--', ...words])
  assert.deepEqual(manager.execution('yarn', words), ['run', ...words])
  assert.deepEqual(manager.execution('yarn 2', words), ['run', ...words])
  assert.deepEqual(manager.execution('pnpm', words), ['exec', ...words])
})

test('in a workspace of pnpm the packages for production stay', (t) => {
  const removal = (/** @type {Record<string, string>} */ files) =>
    manager.removal({ folder: folder(t, files), tool: 'pnpm', version: '10' })[0]
  assert.equal(removal({}), 'prune')
  assert.equal(removal({ 'pnpm-workspace.yaml': '' }), 'install')
})
