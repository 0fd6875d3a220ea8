// Tests of what PM2 is told to run.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { folder } = require('./folders')
const { candidateOf, finalApp } = require('../../../src/awsdeploy/machine/agent/apps')
const { invent, made, noReload } = require('../../../src/awsdeploy/machine/agent/start_config')

/** @type {[name: string, own: unknown, files: string[], invented: any][]} */
const CASES = [
  ['the main file', { main: 'main.js' }, ['main.js'], { script: 'main.js' }],
  ['a usual place', {}, ['dist/main.js', 'index.js'], { script: 'dist/main.js' }],
  [
    'the start script',
    { scripts: { start: 'node --no-warnings src/main --flag' } },
    ['src/main.js'],
    { script: 'src/main.js', node_args: ['--no-warnings'], args: ['--flag'] },
  ],
  [
    'the start script for production',
    { scripts: { 'start': 'node a.js', 'start:prod': 'node b' } },
    ['a.js', 'b/index.js'],
    { script: 'b/index.js', node_args: [], args: [] },
  ],
  [
    'a start script with a module that is loaded before',
    { scripts: { 'start:prod': 'node -r tsconfig-paths/register --import ./a.mjs dist/main' } },
    ['dist/main.js'],
    { script: 'dist/main.js', node_args: ['-r', 'tsconfig-paths/register', '--import', './a.mjs'], args: [] },
  ],
  [
    'a start script with variables',
    { scripts: { start: 'cross-env NODE_ENV=production TS_NODE_BASEURL=./dist node dist/main.js' } },
    ['dist/main.js'],
    { script: 'dist/main.js', node_args: [], args: [], env: { NODE_ENV: 'production', TS_NODE_BASEURL: './dist' } },
  ],
  ['a start script with quotes', { scripts: { start: 'node "a b.js"' } }, ['a b.js'], null],
  ['a start script without a program', { scripts: { start: 'node -r' } }, [], null],
  ['a start script that is no text', { scripts: { start: 5 } }, [], null],
  [
    "a Next.js server of one's own",
    { dependencies: { next: '15' }, scripts: { start: 'NODE_ENV=production node server.js' } },
    ['server.js'],
    { script: 'server.js', node_args: [], args: [], env: { NODE_ENV: 'production' } },
  ],
  ['a start script that is a command line', { scripts: { start: 'node a.js | tee log' } }, ['a.js'], null],
  ['nothing', { main: 'none.js' }, [], null],
]

for (const [name, own, files, invented] of CASES) {
  test(`without an ecosystem file: ${name}`, (t) => {
    const at = folder(t, Object.fromEntries(files.map((file) => [file, ''])))
    assert.deepEqual(invent(own, at, at), invented)
  })
}

test('modules and files in the options of node are found from any folder', (t) => {
  const at = folder(t, { 'main.js': '', 'near.js': '', 'node_modules/far/on.js': '' })
  const start =
    'node -r far/on --require=./near --import missing --env-file=.env --env-file other -C x --no-warnings main'
  assert.deepEqual(invent({ scripts: { start } }, at, at)?.node_args, [
    ...[
      '-r',
      `${at}/node_modules/far/on.js`,
      `--require=${at}/near.js`,
      '--import',
      'missing',
      `--env-file=${at}/.env`,
    ],
    ...['--env-file', `${at}/other`, '-C', 'x', '--no-warnings'],
  ])
})

test('Next.js is started itself, from the root of a workspace', (t) => {
  const root = folder(t, { 'node_modules/next/dist/bin/next': '', 'web/package.json': {} })
  const found = invent({ dependencies: { next: '15' } }, `${root}/web`, root)
  assert.deepEqual(found, {
    script: `${root}/node_modules/next/dist/bin/next`,
    args: ['start', '--keepAliveTimeout', '65000'],
  })
})

test('NestJS that renders the pages of Next.js is started, not Next.js', (t) => {
  const at = folder(t, { 'node_modules/next/dist/bin/next': '', 'dist/main.js': '' })
  const dependencies = { 'next': '15', '@nestjs/core': '11' }
  assert.equal(invent({ dependencies, scripts: { start: 'nest start' } }, at, at)?.script, 'dist/main.js')
  assert.equal(invent({ dependencies: { next: '15' } }, at, at)?.args[0], 'start')
})

for (const start of ['next start', 'node .next/standalone/server.js', 'node node_modules/next/dist/bin/next start']) {
  test(`Next.js is started itself: ${start}`, (t) => {
    const script = start.split(' ')[1]
    const at = folder(t, { 'node_modules/next/dist/bin/next': '', [script]: '' })
    assert.equal(invent({ dependencies: { next: '15' }, scripts: { start } }, at, at)?.args[0], 'start')
  })
}

test('what has no program but a start script is started by npm', () => {
  assert.deepEqual(made({ scripts: { start: 'x' } }, null, 1), { script: 'npm', args: ['start'], exec_mode: 'fork' })
  assert.throws(() => made({}, null, 1), /nothing to start/)
  assert.equal(made({}, { script: 'a.js' }, 3).instances, 3)
})

test('what cannot be reloaded without a gap is said, with what to write instead', () => {
  const note = noReload({ name: 'a', script: 'npm' }, { script: '/at/main.js', args: ['-x'] }, '/at', 'api')
  assert.match(note, /^note: a runs through npm: /)
  assert.match(note, /write script: "main\.js", args: "-x", exec_mode: "cluster", instances: 1\.$/)
  assert.match(noReload({ script: 'a.py' }, null, '/at', 'api'), /^note: api runs in fork mode.*the program itself/)
})

/** @param {Partial<import('../../../src/awsdeploy/machine/agent/start_config').Input['manifest']>} manifest */
const about = (manifest = {}) => ({
  at: '/at',
  logs: '/logs',
  service: 'api',
  node: '',
  up: (/** @type {string} */ script) => `/up/${script}`,
  variables: { PORT: '8080', A: 'ours' },
  manifest: { port: 8080, behind: null, processes: 1, ...manifest },
})
const CANDIDATE = { file: '/c.json', port: '5000', hook: '/hook.js', log: '/c.log', listens: '/listens' }

test("our variables win over the file's, and its other environments are dropped", () => {
  const app = {
    script: 'a.js',
    env: { A: 'file', B: 'file' },
    env_production: { B: 'production' },
    env_test: { C: '1' },
  }
  const { final } = finalApp(app, 0, about())
  assert.deepEqual(final.env, { A: 'ours', B: 'production', PORT: '8080' })
  assert.ok(!('env_test' in final))
  assert.deepEqual([final.name, final.cwd, final.out_file], ['api', '/at', '/logs/api.log'])
})

test('the mode is cluster if the file says so, or asks for several processes of a script', (t) => {
  const at = folder(t, { 'a.js': '' })
  const mode = (/** @type {any} */ app) => finalApp(app, 0, { ...about(), at }).final.exec_mode
  assert.equal(mode({ script: 'a.js', exec_mode: 'cluster_mode' }), 'cluster')
  assert.equal(mode({ script: 'a.js', instances: 2 }), 'cluster')
  assert.equal(mode({ script: 'a.js' }), 'fork')
  assert.equal(mode({ script: 'a.py', instances: 2, interpreter: 'python' }), 'fork')
  assert.equal(mode({ script: 'none.js', instances: 2 }), 'fork')
})

test("PM2's own metrics are not measured, unless the file says so", () => {
  assert.equal(finalApp({ script: 'a.js' }, 0, about()).final.pmx, false)
  assert.equal(finalApp({ script: 'a.js', pmx: true }, 0, about()).final.pmx, true)
})

test('a program of a package is found above', () => {
  const { final } = finalApp({ script: './node_modules/next/dist/bin/next' }, 0, about())
  assert.equal(final.script, '/up/./node_modules/next/dist/bin/next')
})

test('a candidate is one process on its own port, which tells where it listens', () => {
  const app = {
    name: 'tiny',
    script: 'a.js',
    args: '-p 8080 --port=8080 8080',
    exec_mode: 'cluster',
    instances: 4,
    watch: true,
  }
  const found = candidateOf({ app, ...finalApp(app, 0, about()) }, 0, { ...about(), candidate: CANDIDATE })
  assert.deepEqual(found.args, ['-p', '5000', '--port=5000', '8080'])
  assert.deepEqual(
    [found.name, found.instances, found.autorestart, found.watch],
    ['api-candidate', 1, false, undefined],
  )
  assert.deepEqual(found.node_args, ['--require', '/hook.js'])
  assert.deepEqual(
    [found.env.PORT, found.env.AWSDEPLOY_REAL_PORT, found.env.AWSDEPLOY_NGINX_PORT],
    ['5000', '8080', ''],
  )
  const second = candidateOf({ app, ...finalApp({ ...app, exec_mode: 'fork' }, 1, about()) }, 1, {
    ...about(),
    candidate: CANDIDATE,
  })
  assert.equal(second.name, 'api-candidate-tiny')
  assert.match(second.env.NODE_OPTIONS, /--require \/hook\.js$/)
})

test('behind nginx the program gets its own port, and Next.js its address', () => {
  const next = { script: '/up/node_modules/next/dist/bin/next', args: ['start', '-p', '80'], exec_mode: 'cluster' }
  const behind = about({ port: 80, behind: 8080 })
  const { final } = finalApp(next, 0, behind)
  assert.deepEqual(final.args, ['start', '-p', '8080', '--hostname', '127.0.0.1'])
  const found = candidateOf({ app: next, final, cluster: true }, 0, { ...behind, candidate: CANDIDATE })
  assert.deepEqual(found.args, ['start', '-p', '5000', '--hostname', '127.0.0.1'])
  assert.deepEqual([found.env.AWSDEPLOY_REAL_PORT, found.env.AWSDEPLOY_NGINX_PORT], ['8080', '80'])
  assert.deepEqual(finalApp({ ...next, args: ['start', '-H', '::1'] }, 0, behind).final.args, ['start', '-H', '::1'])
})

test("a release's own Node.js runs the program, what it starts, and npm", (t) => {
  const at = folder(t, { 'a.js': '', 'b': '#!/usr/bin/env node\n', 'c': '#!/bin/sh\n', 'd.py': '' })
  const found = (/** @type {any} */ app) => finalApp(app, 0, { ...about(), at, node: '/node/22/bin' }).final
  const cluster = found({ script: 'a.js', instances: 2 })
  assert.deepEqual([cluster.exec_mode, cluster.interpreter], ['cluster', '/node/22/bin/node'])
  assert.match(cluster.env.PATH, /^\/node\/22\/bin:/)
  assert.equal(found({ script: 'b' }).interpreter, '/node/22/bin/node')
  assert.equal(found({ script: 'a.js', interpreter: 'node' }).interpreter, '/node/22/bin/node')
  assert.equal(found({ script: 'a.js', interpreter: 'bun' }).interpreter, 'bun')
  for (const script of ['c', 'd.py', 'none']) assert.equal(found({ script }).interpreter, undefined)
  assert.equal(found({ script: 'npm', args: ['start'] }).script, '/node/22/bin/npm')
  assert.ok(!('PATH' in finalApp({ script: 'a.js' }, 0, { ...about(), at }).final.env))
})
