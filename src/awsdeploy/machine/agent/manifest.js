// The manifest of a release: what it was sent with. Each field has its type, because root counts with numbers and writes
// ports into files.
// @ts-check
'use strict'

/**
 * @typedef {object} NodeVersion the Node.js of a release
 * @property {string} major
 * @property {boolean} is_default nobody has asked for it: the machine's own will do
 * @property {string} archive of an unofficial build, or empty for a package of the system
 * @property {string} sha256 of the archive, or empty for the one that is published beside it
 */

/**
 * @typedef {object} BuildStep the script `build` of a folder, or a program of its packages
 * @property {string} folder in the repository
 * @property {string[]} command the program and its arguments, or nothing
 */

/**
 * @typedef {object} Manifest
 * @property {string} directory folder of the service in the repository
 * @property {string} lock path of the lock file that counts, or empty for the nearest
 * @property {number | null} port where the load balancer or nginx asks
 * @property {string} health
 * @property {string} health_status codes that mean healthy: "200-399", "200,404"
 * @property {'http' | 'tcp'} health_protocol with tcp a port that accepts connections is healthy
 * @property {string} migrate
 * @property {boolean} keep_dev devDependencies stay in the release
 * @property {number} keep releases to keep
 * @property {number} memory_mb memory of a build; 0 for what the machine allows
 * @property {boolean} database
 * @property {number | null} behind where the program listens, if nginx has the port
 * @property {number} processes
 * @property {Record<string, string>} environment
 * @property {Record<string, string>} variables templates of further ones
 * @property {string} repository address of the code, or empty for an archive in the bucket
 * @property {string} commit
 * @property {NodeVersion | null} node
 * @property {BuildStep[]} build steps in a workspace; none for the service's own script `build`
 */

/**
 * Return the manifest of a text; throws if a field is not valid.
 * @param {string} text
 * @returns {Manifest}
 */
function parse(text) {
  const told = JSON.parse(text)
  if (told.version !== 1) throw new Error(`version ${told.version} is not known here`)
  return {
    directory: inside(told, 'directory', '.'),
    lock: inside(told, 'lock', ''),
    port: number(told, 'port', 65535) || null,
    health: string(told, 'health', /^\/[\x21-\x7e]*$/, '/'),
    health_status: string(told, 'health_status', /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/, '200-399'),
    health_protocol: string(told, 'health_protocol', /^(http|tcp)$/, 'http') === 'tcp' ? 'tcp' : 'http',
    migrate: string(told, 'migrate', /^[^\x00]*$/, ''),
    keep_dev: told.keep_dev === true,
    keep: number(told, 'keep', 1000) || 5,
    memory_mb: number(told, 'memory_mb', 1e6) || 0,
    database: told.database === true,
    behind: number(told, 'behind', 65535) || null,
    processes: Number(told.processes) || 1,
    environment: strings(told, 'environment'),
    variables: strings(told, 'variables'),
    repository: told.repository || '',
    commit: told.commit || '',
    node: nodeVersion(told.node),
    build: buildSteps(told),
  }
}

/**
 * Return a path in the release.
 * @param {any} told
 * @param {string} name
 * @param {string} otherwise
 */
function inside(told, name, otherwise) {
  const path = string(told, name, /^([^/\x00-\x1f][^\x00-\x1f]*)?$/, otherwise)
  if (path.split('/').includes('..')) throw new Error(`${name} leads outside`)
  return path
}

/**
 * @param {any} told
 * @returns {BuildStep[]}
 */
function buildSteps(told) {
  const value = told.build ?? []
  if (!Array.isArray(value)) wrong(told, 'build')
  return value.map((/** @type {any} */ step) => {
    const command = step?.command ?? []
    const isWord = (/** @type {unknown} */ word) => typeof word === 'string' && word && !word.includes('\0')
    if (!step?.folder || !Array.isArray(command) || !command.every(isWord)) wrong(told, 'build')
    return { folder: inside(step, 'folder', ''), command }
  })
}

/**
 * @param {any} told
 * @returns {NodeVersion | null}
 */
function nodeVersion(told) {
  if (!told) return null
  return {
    major: string(told, 'major', /^[1-9]\d$/, ''),
    is_default: told.is_default === true,
    archive: string(told, 'archive', /^(node-v\d+\.\d+\.\d+-linux-x64-glibc-217\.tar\.(xz|gz))?$/, ''),
    sha256: string(told, 'sha256', /^([0-9a-f]{64})?$/, ''),
  }
}

/**
 * @param {any} told
 * @param {string} name
 * @param {number} most
 * @returns {number | null}
 */
function number(told, name, most) {
  const value = told[name] ?? null
  if (value !== null && value !== '' && !(Number.isInteger(value) && value >= 0 && value <= most)) wrong(told, name)
  return value === '' ? null : value
}

/**
 * @param {any} told
 * @param {string} name
 * @param {RegExp} pattern
 * @param {string} otherwise
 * @returns {string}
 */
function string(told, name, pattern, otherwise) {
  const value = told[name] || otherwise
  if (typeof value !== 'string' || !pattern.test(value)) wrong(told, name)
  return value.replace(/\s+/g, ' ')
}

/**
 * @param {any} told
 * @param {string} name
 * @returns {Record<string, string>}
 */
function strings(told, name) {
  const value = told[name] ?? {}
  if (typeof value !== 'object' || !Object.values(value).every((one) => typeof one === 'string')) wrong(told, name)
  return value
}

/**
 * @param {any} told
 * @param {string} name
 * @returns {never}
 */
function wrong(told, name) {
  throw new Error(`${name} is ${JSON.stringify(told[name])}`)
}

module.exports = { parse }
