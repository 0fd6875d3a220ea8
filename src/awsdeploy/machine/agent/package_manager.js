// Which program installs a service's packages, where its lock file is, and with which arguments it is called.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { parseJson } = require('./json')
const { fitting, npmToInstall, npmVersion, pnpmByLock, toldNode, wish, yarnByLock } = require('./manager_version')

/** @typedef {'npm' | 'npm without a lock file' | 'yarn' | 'yarn 2' | 'pnpm' | 'bun'} Tool */
/** @typedef {{ folder: string, tool: Tool, version: string }} Found */
/** @typedef {Found & { program: string[] }} Manager */

/** @type {Record<string, Tool>} */
const LOCKS = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'yarn',
  'pnpm-lock.yaml': 'pnpm',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
}

/**
 * Find the lock file: the one that the manifest names, else in the service's folder, else in the nearest above it
 * (workspaces).
 * @param {string} at the service's folder
 * @param {string} root of the release
 * @param {string} [named] path of the lock file in the release
 * @param {string} [node] folder with the programs of the release's Node.js, empty for the machine's own
 * @returns {Found}
 */
function find(at, root, named = '', node = '') {
  const folders = upwards(at, root)
  const packages = folders.map(packageJson)
  for (const folder of folders) {
    const here = Object.keys(LOCKS).filter(
      (lock) =>
        fs.existsSync(path.join(folder, lock)) && (!named || path.join(root, named) === path.join(folder, lock)),
    )
    if (!here.length) continue
    const lock = here.find((one) => wish(packages, LOCKS[one]).exact) || here[0]
    return { folder, ...chosen(LOCKS[lock], wish(packages, LOCKS[lock]), text(folder, lock), node) }
  }
  return { folder: at, tool: 'npm without a lock file', version: '' }
}

/**
 * @param {string} at
 * @param {string} root
 */
function upwards(at, root) {
  const folders = []
  for (let one = at; one.startsWith(root); one = path.dirname(one)) folders.push(one)
  return folders
}

/** @param {string} folder */
function packageJson(folder) {
  return parseJson(text(folder, 'package.json') || '{}')
}

/**
 * @param {Tool} tool
 * @param {import('./manager_version').Wish} wanted what package.json says
 * @param {string} lock content of the lock file
 * @param {string} node
 * @returns {{ tool: Tool, version: string }}
 */
function chosen(tool, wanted, lock, node) {
  const { exact } = wanted
  if (tool === 'yarn' && (exact ? !/^1(\.|$)/.test(exact) : lock.includes('__metadata:'))) {
    return { tool: 'yarn 2', version: fitting(wanted, yarnByLock(lock)) }
  }
  if (tool === 'pnpm') return { tool, version: fitting(wanted, pnpmByLock(lock)) }
  if (tool === 'bun') return { tool, version: fitting(wanted, ['1']) }
  return { tool, version: tool === 'npm' ? npmToInstall(wanted, npmVersion(node)) : exact }
}

/** @param {string[]} parts */
function text(...parts) {
  try {
    return fs.readFileSync(path.join(...parts), 'utf8')
  } catch {
    return ''
  }
}

/**
 * Return how the program is started. Plug'n'Play needs a preload in every process that Node starts, so yarn 2 installs
 * into node_modules. The managers do not compare the Node.js version with `engines`: deploy has, by the major version. For
 * scripts that call pnpm again, engineStrict of pnpm-workspace.yaml wins over the environment, so pnpm is told a version.
 * @param {Found} found
 * @param {boolean} hasYarn
 * @param {string} [told] version of Node.js that pnpm is told, empty for the real one
 */
function program({ tool, version }, hasYarn, told = '') {
  const npm = (/** @type {string} */ name, /** @type {string} */ as) => [
    'npm',
    'exec',
    '--yes',
    `--package=${name}`,
    '--',
    as,
  ]
  if (tool === 'yarn') return ['env', 'YARN_IGNORE_ENGINES=true', ...(hasYarn ? ['yarn'] : npm('yarn@1.22.22', 'yarn'))]
  if (tool === 'pnpm') {
    const settings = ['npm_config_engine_strict=false', ...(told ? [`npm_config_node_version=${told}`] : [])]
    return ['env', ...settings, ...npm(`pnpm@${version}`, 'pnpm')]
  }
  if (tool === 'bun') return npm(`bun@${version}`, 'bun')
  if (tool === 'npm' && version) return npm(`npm@${version}`, 'npm')
  if (tool !== 'yarn 2') return ['npm']
  return [
    'env',
    'YARN_NODE_LINKER=node-modules',
    'YARN_ENABLE_TELEMETRY=0',
    ...npm(`@yarnpkg/cli-dist@${version}`, 'yarn'),
  ]
}

/**
 * Return the version of Node.js that pnpm is told; see toldNode.
 * @param {string} at the service's folder
 * @param {string} root of the release
 * @param {string} actual
 */
function nodeFor(at, root, actual) {
  return toldNode(upwards(at, root).map(packageJson), actual)
}

/**
 * Return the arguments of every call: pnpm-workspace.yaml (engineStrict) wins over the environment.
 * @param {Tool} tool
 */
function always(tool) {
  return tool === 'pnpm' ? ['--config.engine-strict=false'] : []
}

/**
 * Return how a line runs in the shell. If it may call a package manager that the machine does not have, that is in its PATH.
 * @param {string[]} words that start the package manager
 * @param {string} line
 */
function shell(words, line) {
  const called = new RegExp(`(?:^|[\\s;&|(])(?:${words[words.length - 1]}|bunx|turbo|nx|lerna)(?=[\\s;&|)]|$)`)
  return [...(called.test(line) ? words.slice(0, -1) : []), 'bash', '-c', line]
}

/**
 * Return the arguments that install; that install without the scripts of packages; and that run these scripts then.
 * @param {Tool} tool
 */
function installation(tool) {
  const { install, quiet, scripts } = INSTALLATIONS[tool]
  return { install, withoutScripts: [...install, quiet], scripts }
}

const NPM = ['--include=dev', '--no-audit', '--no-fund', '--no-progress', '--no-engine-strict']
const NPM_CI = ['ci', ...NPM, '--no-update-notifier']
const NPM_INSTALL = ['install', ...NPM, '--no-package-lock']
const YARN_FLAGS = ['--frozen-lockfile', '--non-interactive', '--no-progress']
const YARN = ['install', ...YARN_FLAGS, '--production=false']
const YARN_2 = ['install', '--immutable']
const BUN_INSTALL = ['install', '--frozen-lockfile', '--no-progress']
const PNPM = ['install', '--frozen-lockfile']
const PNPM_PRODUCTION = [...PNPM, '--prod']
const PNPM_INSTALL = [...PNPM, '--prod=false']

/** @type {Record<Tool, { install: string[], quiet: string, scripts: string[] }>} */
const INSTALLATIONS = {
  'npm': { install: NPM_CI, quiet: '--ignore-scripts', scripts: [...NPM_CI, '--offline'] },
  'npm without a lock file': {
    install: NPM_INSTALL,
    quiet: '--ignore-scripts',
    scripts: [...NPM_INSTALL, '--prefer-offline'],
  },
  'yarn': { install: YARN, quiet: '--ignore-scripts', scripts: [...YARN, '--offline', '--force'] },
  'yarn 2': { install: YARN_2, quiet: '--mode=skip-build', scripts: YARN_2 },
  'pnpm': { install: PNPM_INSTALL, quiet: '--ignore-scripts', scripts: ['rebuild'] },
  'bun': { install: BUN_INSTALL, quiet: '--ignore-scripts', scripts: [...BUN_INSTALL, '--force'] },
}

/**
 * Return the arguments that run a program of the installed packages.
 * @param {Tool} tool
 * @param {string[]} command
 */
function execution(tool, command) {
  if (tool === 'pnpm') return ['exec', ...command]
  return tool.startsWith('npm') ? ['exec', '--no', '--', ...command] : ['run', ...command]
}

/**
 * Return the arguments that check packages which are there already, and run the scripts of the service itself.
 * @param {Tool} tool
 */
function completion(tool) {
  return tool === 'npm' ? ['install', ...NPM, '--no-save', '--prefer-offline'] : INSTALLATIONS[tool].install
}

/**
 * Return the arguments that remove packages which only the build needs; none where there is nothing to remove.
 * @param {Found} found
 */
function removal({ folder, tool }) {
  switch (tool) {
    case 'npm':
      return forDevelopment(folder)
        ? ['prune', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--no-engine-strict']
        : []
    case 'yarn':
      return ['install', ...YARN_FLAGS, '--production', '--ignore-scripts', '--offline']
    case 'yarn 2':
      return ['workspaces', 'focus', '--all', '--production']
    case 'pnpm':
      // In a workspace `pnpm prune` removes the packages of all its members, those for production too.
      return fs.existsSync(path.join(folder, 'pnpm-workspace.yaml'))
        ? [...PNPM_PRODUCTION, '--offline', '--ignore-scripts']
        : ['prune', '--prod', '--ignore-scripts']
    default:
      return []
  }
}

/**
 * Tell whether npm's lock file has packages that are not needed to run.
 * @param {string} folder
 */
function forDevelopment(folder) {
  return ['package-lock.json', 'npm-shrinkwrap.json'].some((lock) => /"dev(Optional)?": *true/.test(text(folder, lock)))
}

module.exports = {
  nodeFor,
  find,
  program,
  always,
  shell,
  installation,
  execution,
  completion,
  removal,
}
