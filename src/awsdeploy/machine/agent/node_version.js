// The Node.js that a release asks for: installed beside the machine's own one, which runs the agent and PM2.
// @ts-check
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const { spawnSync } = require('child_process')
const { parse } = require('./manifest')
const { isFolder, makeFolder } = require('./users')
const { quietly, which } = require('./runner')

const BUILDS = 'https://unofficial-builds.nodejs.org/download/release'
const ATTEMPTS = [0, 5, 20] // s before each attempt to install

/** @typedef {import('./context').Run} Run */
/** @typedef {import('./manifest').NodeVersion} NodeVersion */

/**
 * Find the folder with the programs of the release's Node.js (`run.node`, empty for the machine's own), and install it if
 * it is not there.
 * @param {Run} run
 */
async function needNode(run) {
  const { node } = run.manifest
  const own = process.version.split('.')[0].slice(1)
  run.node = ''
  run.nodeVersion = process.version
  if (!node || node.major === own) return
  if (node.is_default) {
    const note = `note: the default is Node.js ${node.major}; this machine has ${process.version}.`
    if (run.settings.command !== 'exec') run.report.say(note)
    return
  }
  const folder = `${run.settings.nodes}/${version(node)}`
  if (!works(folder)) await install(run, node, folder)
  if (works(folder)) use(run, folder)
  else if (!run.settings.nodeInstaller) {
    const remedy = 'Can the machine reach the internet? Deploy again, or set another node in the config.'
    run.broken(1, `Node.js ${node.major} could not be installed.`, remedy)
  }
}

/**
 * Return the name of a version's folder: a build is exact, a package is the newest of its major version.
 * @param {NodeVersion} node
 */
function version({ major, archive }) {
  return (/^node-v([\d.]+)-/.exec(archive) || ['', major])[1]
}

/**
 * @param {Run} run
 * @param {string} folder
 */
function use(run, folder) {
  run.node = `${folder}/bin`
  run.nodeVersion = versionOf(folder)
}

/** @param {string} folder */
function works(folder) {
  return versionOf(folder).startsWith('v')
}

/** @param {string} folder */
function versionOf(folder) {
  const { stdout } = spawnSync(`${folder}/bin/node`, ['--version'], { encoding: 'utf8' })
  return (stdout || '').trim()
}

/**
 * @param {Run} run
 * @param {NodeVersion} node
 * @param {string} folder
 */
async function install(run, node, folder) {
  const { settings, report } = run
  report.begin('node')
  report.say(`Installing Node.js ${version(node)}.`)
  makeFolder(settings.nodes, 0o755)
  const fresh = `${settings.nodes}/.new`
  for (const pause of ATTEMPTS) {
    await run.cancellation.sleep(pause)
    fs.rmSync(fresh, { recursive: true, force: true })
    makeFolder(fresh, 0o755)
    if (await put(run, node, fresh)) break
    if (settings.nodeInstaller) return
  }
  if (!works(fresh)) return
  fs.rmSync(folder, { recursive: true, force: true })
  fs.renameSync(fresh, folder)
}

/**
 * Put Node.js into a folder, and tell whether it is there.
 * @param {Run} run
 * @param {NodeVersion} node
 * @param {string} folder
 */
async function put(run, node, folder) {
  const { nodeInstaller } = run.settings
  if (nodeInstaller) return (await run.runner.run([nodeInstaller, node.major, folder])) === 0
  return node.archive ? build(run, node, folder) : packages(run, node.major, folder)
}

/**
 * Amazon Linux 2 has no Node.js, and the official builds need a newer glibc.
 * @param {Run} run
 * @param {NodeVersion} node
 * @param {string} folder
 */
async function build(run, node, folder) {
  const { archive } = node
  const place = `${BUILDS}/v${version(node)}`
  const file = `${folder}/${archive}`
  if (!(await download(run, `${place}/${archive}`, file))) return false
  const wanted = node.sha256 || (await published(run, place, folder, archive))
  const found = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')
  if (found !== wanted) {
    run.report.relay(`${archive}: SHA-256 is ${found}, expected ${wanted || 'one in SHASUMS256.txt'}`)
    return false
  }
  const words = ['--extract', '--file', file, '--directory', folder, '--strip-components=1', '--no-same-owner']
  const status = await run.runner.run(['tar', ...words])
  for (const one of [file, sums(folder)]) fs.rmSync(one, { force: true })
  return status === 0 && works(folder)
}

/**
 * @param {Run} run
 * @param {string} address
 * @param {string} file
 */
async function download(run, address, file) {
  const limits = ['--retry', '3', '--connect-timeout', '10', '--max-time', '300', '--proto', '=https']
  const words = ['--fail', '--silent', '--show-error', '--location', ...limits, '--output', file, address]
  return (await run.runner.run(['curl', ...words])) === 0
}

/** @param {string} folder */
function sums(folder) {
  return `${folder}/SHASUMS256.txt`
}

/**
 * Return the SHA-256 that the place of a build publishes.
 * @param {Run} run
 * @param {string} place
 * @param {string} folder
 * @param {string} archive
 */
async function published(run, place, folder, archive) {
  const file = sums(folder)
  if (!(await download(run, `${place}/SHASUMS256.txt`, file))) return ''
  const lines = fs.readFileSync(file, 'utf8').split('\n')
  return (lines.find((line) => line.endsWith(`  ${archive}`)) || '').split(' ')[0]
}

/**
 * AWS: "Node.js in AL2023". Packages of all versions have different names and files; `node` itself is an alternative, which
 * must remain the machine's own.
 * @param {Run} run
 * @param {string} major
 * @param {string} folder
 */
async function packages(run, major, folder) {
  const { root } = run.settings
  const before = which('node') && fs.realpathSync(which('node'))
  const words = ['install', '--assumeyes', '--quiet', `nodejs${major}`, `nodejs${major}-npm`]
  if ((await run.runner.run(['yum', ...words])) !== 0) return false
  const alternative = path.join(root, '/usr/bin/node')
  if (fs.existsSync(alternative) && before && fs.realpathSync(alternative) !== before) {
    quietly(['alternatives', '--set', 'node', before])
  }
  makeFolder(`${folder}/bin`, 0o755)
  for (const name of ['node', 'npm', 'npx']) {
    const program = `${root}/usr/bin/${name}-${major}`
    if (fs.existsSync(program)) fs.symlinkSync(program, `${folder}/bin/${name}`)
  }
  return works(folder)
}

/**
 * Remove the versions that no release on this machine has; none if that cannot be told.
 * @param {import('./settings').Settings} settings
 */
function removeUnused({ nodes, known }) {
  /** @param {string} id */
  const folderOf = (id) => {
    const { node } = parse(fs.readFileSync(`${known}/${id}/manifest.json`, 'utf8'))
    return node ? version(node) : ''
  }
  try {
    const used = fs.readdirSync(known).map(folderOf)
    for (const name of isFolder(nodes) ? fs.readdirSync(nodes) : []) {
      if (!used.includes(name)) fs.rmSync(`${nodes}/${name}`, { recursive: true, force: true })
    }
  } catch {
    // The next release tries it again.
  }
}

module.exports = { needNode, removeUnused, version }
