// Sets of variables: for the running program, for the build, and for the installation, which runs the scripts of third
// parties and gets no secrets but its own. And what of them is masked in every output.
// @ts-check
'use strict'

/** @typedef {Record<string, string>} Variables */

/**
 * @typedef {object} Sources
 * @property {Variables} given not secret, from the manifest
 * @property {Variables} database connection of the stack's database
 * @property {Variables} own set by the users of the service
 * @property {Variables} build set by them for the build
 * @property {Variables} [running] what the program that runs has (exec)
 */

/**
 * @typedef {object} Certificates of the database, where they are on the machine
 * @property {string} path
 * @property {string} content empty if there are none
 * @property {string} library which reads them from an address: prisma, mysql2 or none
 */

/**
 * @typedef {object} Sets
 * @property {string[]} masks longest first
 * @property {Variables} environment
 * @property {Variables} build
 * @property {Variables} install
 * @property {Variables} scripts
 */

const PLAIN = /^(DB_(HOST|PORT|NAME|USER|SSL_CA)|S3_BUCKET)$/ // values that may be seen
const SHORTEST = 6 // characters of a value that is masked

/**
 * Return the sets of variables. A user's own value wins over ours.
 * @param {Sources} sources
 * @param {Certificates} certificates
 * @returns {Sets}
 */
function sets(sources, certificates) {
  const { given, own, build, running = {} } = sources
  const database = { ...sources.database }
  if (database.DB_SSL_CA) database.DB_SSL_CA = certificates.path
  const all = { ...given, ...database, ...own }
  if (database.DB_HOST && !own.DATABASE_URL) {
    const trusted = database.DB_SSL_CA && !own.DB_HOST && certificates.content
    all.DATABASE_URL = databaseUrl(all, trusted ? query(certificates) : '')
  }
  return {
    masks: masks([all, build, running], given),
    environment: all,
    build: { ...all, ...build },
    install: { ...given, ...build },
    scripts: given,
  }
}

/**
 * @param {Variables} all
 * @param {string} query
 */
function databaseUrl(all, query) {
  const [user, password, name] = [all.DB_USER, all.DB_PASSWORD, all.DB_NAME].map((part) =>
    encodeURIComponent(part ?? ''),
  )
  return `mysql://${user}:${password}@${all.DB_HOST}:${all.DB_PORT || 3306}/${name}${query}`
}

/**
 * Return how an address names the certificates. NODE_EXTRA_CA_CERTS is read when Node.js starts, and PM2 sets the
 * variables of cluster processes later.
 * @param {Certificates} certificates
 */
function query({ path, content, library }) {
  if (library === 'prisma') return `?sslaccept=strict&sslcert=${encodeURIComponent(path)}`
  if (library !== 'mysql2') return ''
  return `?ssl=${encodeURIComponent(JSON.stringify({ ca: content, verifyIdentity: true }))}`
}

/**
 * Return the values to mask, also as they are written in addresses and JSON, and each line of a longer one.
 * @param {Variables[]} sources
 * @param {Variables} given
 */
function masks(sources, given) {
  const secret = sources
    .flatMap((source) => Object.entries(source))
    .filter(([name, value]) => value !== given[name] && !PLAIN.test(name))
    .map(([, value]) => String(value))
  const written = (/** @type {string} */ value) => [value, encoded(value), JSON.stringify(value).slice(1, -1)]
  const all = secret.flatMap((value) => [...written(value), ...value.split('\n').flatMap(written)])
  return [...new Set(all.filter((value) => value.length >= SHORTEST))].sort((one, other) => other.length - one.length)
}

/** @param {string} value */
function encoded(value) {
  try {
    return encodeURIComponent(value)
  } catch {
    return value // half a character
  }
}

/**
 * Return the variables of an answer of Parameter Store.
 * @param {string} text
 * @returns {Variables}
 */
function fromParameters(text) {
  /** @type {{ Name: string, Value: string }[]} */
  const found = JSON.parse(text || '{}').Parameters || []
  return Object.fromEntries(found.map((one) => [one.Name.split('/').pop() || '', one.Value]))
}

module.exports = { sets, fromParameters }
