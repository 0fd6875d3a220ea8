// Tests of how the Node.js of a release gets onto a machine; the world outside is played by programs in PATH.
// @ts-check
'use strict'
const assert = require('assert/strict')
const crypto = require('crypto')
const fs = require('fs')
const test = require('node:test')
const { execFileSync } = require('child_process')
const { folder } = require('./folders')
const { Cancellation, Cancelled } = require('../../../src/awsdeploy/machine/agent/cancellation')
const { Failure } = require('../../../src/awsdeploy/machine/agent/report')
const { Runner } = require('../../../src/awsdeploy/machine/agent/runner')
const { settings } = require('../../../src/awsdeploy/machine/agent/settings')
const { needNode, removeUnused, version } = require('../../../src/awsdeploy/machine/agent/node_version')

const OWN = process.version.split('.')[0].slice(1)
const ARCHIVE = 'node-v19.9.9-linux-x64-glibc-217.tar.gz'
const NODE = '#!/bin/sh\necho v19.9.9\n'

/**
 * Return a run on a machine with these programs, which write down what they were called with.
 * @param {import('node:test').TestContext} t
 * @param {any} node of the manifest
 * @param {Record<string, string>} programs
 * @param {Record<string, string>} environment
 */
function machine(t, node, programs = {}, environment = {}) {
  const root = folder(t, Object.fromEntries(Object.entries(programs).map(([name, text]) => [`tools/${name}`, text])))
  for (const name of Object.keys(programs)) fs.chmodSync(`${root}/tools/${name}`, 0o755)
  const before = process.env.PATH
  Object.assign(process.env, { PATH: `${root}/tools:${before}`, PLACE: root })
  t.after(() => Object.assign(process.env, { PATH: before }))
  /** @type {string[]} */
  const said = []
  const report = /** @type {any} */ ({ say: said.push.bind(said), relay: said.push.bind(said), begin() {}, keep() {} })
  const cancellation = new Cancellation(new Cancelled('', ''))
  cancellation.sleep = async () => {}
  const told = settings(['restart', 'shop/prod', 'backend', 'r', 'b'], { ROOT: root, ...environment })
  const manifest = node && { major: '19', is_default: false, archive: '', sha256: '', ...node }
  const run = /** @type {any} */ ({
    settings: told,
    report,
    cancellation,
    runner: new Runner(report, cancellation, ''),
    manifest: { node: manifest },
    broken(/** @type {number} */ _, /** @type {string} */ diagnosis, /** @type {string} */ remedy) {
      throw new Failure(diagnosis, remedy)
    },
  })
  const calls = () =>
    fs.existsSync(`${root}/calls`) ? fs.readFileSync(`${root}/calls`, 'utf8').trim().split('\n') : []
  return { run, said, root, calls }
}

/**
 * Return a curl that has an archive and its hash as they are published.
 * @param {import('node:test').TestContext} t
 */
function published(t) {
  const place = folder(t, { 'top/bin/node': NODE })
  fs.chmodSync(`${place}/top/bin/node`, 0o755)
  execFileSync('tar', ['-czf', `${place}/${ARCHIVE}`, '-C', place, 'top'])
  const sha256 = crypto
    .createHash('sha256')
    .update(fs.readFileSync(`${place}/${ARCHIVE}`))
    .digest('hex')
  fs.writeFileSync(`${place}/SHASUMS256.txt`, `${'0'.repeat(64)}  other.tar.gz\n${sha256}  ${ARCHIVE}\n`)
  const curl = `#!/bin/sh\nfor one; do before=$last; last=$one; done\necho "$last" >>"$PLACE/calls"\ncp "${place}/\${last##*/}" "$before"\n`
  return { sha256, curl }
}

test('without a version, or with its own, a machine takes its own', async (t) => {
  for (const node of [null, { major: OWN }]) {
    const { run, said } = machine(t, node)
    await needNode(run)
    assert.deepEqual([run.node, run.nodeVersion, said], ['', process.version, []])
  }
})

test('a default that is not here is only told', async (t) => {
  const { run, said } = machine(t, { is_default: true })
  await needNode(run)
  assert.equal(run.node, '')
  assert.deepEqual(said, [`note: the default is Node.js 19; this machine has ${process.version}.`])
})

for (const pinned of [true, false]) {
  test(`a build is installed once, by its ${pinned ? 'pinned' : 'published'} hash`, async (t) => {
    const { sha256, curl } = published(t)
    const { run, root, calls } = machine(t, { archive: ARCHIVE, sha256: pinned ? sha256 : '' }, { curl })
    await needNode(run)
    await needNode(run)
    assert.equal(run.node, `${root}/opt/awsdeploy/node/19.9.9/bin`)
    assert.equal(run.nodeVersion, 'v19.9.9')
    const place = 'https://unofficial-builds.nodejs.org/download/release/v19.9.9'
    assert.deepEqual(calls(), [`${place}/${ARCHIVE}`, ...(pinned ? [] : [`${place}/SHASUMS256.txt`])])
    assert.deepEqual(fs.readdirSync(`${root}/opt/awsdeploy/node/19.9.9`), ['bin'])
  })
}

test('a build with another hash is not installed', async (t) => {
  const { curl } = published(t)
  const { run, said, root } = machine(t, { archive: ARCHIVE, sha256: 'a'.repeat(64) }, { curl })
  await assert.rejects(needNode(run), /Node.js 19 could not be installed/)
  assert.match(said.join('\n'), /SHA-256 is [0-9a-f]{64}, expected aaaa/)
  assert.ok(!fs.existsSync(`${root}/opt/awsdeploy/node/19.9.9`))
})

test('packages have names for each version, and `node` remains what it was', async (t) => {
  const yum = `#!/bin/sh
echo "yum $*" >>"$PLACE/calls"
mkdir -p "$PLACE/usr/bin"
for name in node-19 npm-19; do printf '#!/bin/sh\\necho v19.9.9\\n' >"$PLACE/usr/bin/$name"; chmod 755 "$PLACE/usr/bin/$name"; done
ln -sf node-19 "$PLACE/usr/bin/node"
`
  const { run, root, calls } = machine(
    t,
    {},
    { yum, alternatives: '#!/bin/sh\necho "alternatives $*" >>"$PLACE/calls"\n' },
  )
  await needNode(run)
  assert.equal(run.node, `${root}/opt/awsdeploy/node/19/bin`)
  assert.deepEqual(fs.readdirSync(run.node), ['node', 'npm'])
  const [installed, alternative] = calls()
  assert.equal(installed, 'yum install --assumeyes --quiet nodejs19 nodejs19-npm')
  assert.match(alternative, /^alternatives --set node \//)
})

test('a failing installation is tried again, and told', async (t) => {
  const { run, calls } = machine(t, {}, { yum: '#!/bin/sh\necho yum >>"$PLACE/calls"\nexit 1\n' })
  await assert.rejects(needNode(run), (/** @type {any} */ error) => /set another node/.test(error.remedy))
  assert.deepEqual(calls(), ['yum', 'yum', 'yum'])
})

test('where something else installs it and cannot, the own one runs', async (t) => {
  const installer = '#!/bin/sh\necho "installer $1"\nexit 1\n'
  const { run, said } = machine(t, {}, {}, { NODE_INSTALLER: `${folder(t, { installer })}/installer` })
  fs.chmodSync(run.settings.nodeInstaller, 0o755)
  await needNode(run)
  assert.deepEqual([run.node, run.nodeVersion], ['', process.version])
  assert.ok(said.includes('installer 19'))
})

test('a version that no release has any more is removed', (t) => {
  const { run, root } = machine(t, null)
  for (const name of ['20.1.1', '22', '24', '.new'])
    fs.mkdirSync(`${root}/opt/awsdeploy/node/${name}`, { recursive: true })
  const archive = 'node-v20.1.1-linux-x64-glibc-217.tar.xz'
  const manifests = { a: { major: '20', archive }, b: { major: '22' }, c: null }
  for (const [id, node] of Object.entries(manifests)) {
    fs.mkdirSync(`${run.settings.known}/${id}`, { recursive: true })
    fs.writeFileSync(`${run.settings.known}/${id}/manifest.json`, JSON.stringify({ version: 1, node }))
  }
  fs.mkdirSync(`${run.settings.known}/d`)
  removeUnused(run.settings)
  assert.equal(fs.readdirSync(run.settings.nodes).length, 4, 'what d has is unknown')
  fs.rmdirSync(`${run.settings.known}/d`)
  removeUnused(run.settings)
  assert.deepEqual(fs.readdirSync(run.settings.nodes).sort(), ['20.1.1', '22'])
})

test('a build has its exact version, a package its major one', () => {
  const node = { major: '19', is_default: false, sha256: '' }
  assert.equal(version({ ...node, archive: ARCHIVE }), '19.9.9')
  assert.equal(version({ ...node, archive: '' }), '19')
})
