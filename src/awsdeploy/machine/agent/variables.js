// Sets of variables: for the running program, for the build, and for the installation, which runs the scripts of third
// parties and gets no secrets but its own. And what of them is masked in every output.
// @ts-check
'use strict'
const { encoded, filled, used } = require('./templates')

/** @typedef {Record<string, string>} Variables */

/**
 * @typedef {object} Sources
 * @property {Variables} given not secret, from the manifest
 * @property {Variables} database connection of the stack's database
 * @property {Variables} own set by the users of the service
 * @property {Variables} build set by them for the build
 * @property {Variables} [templates] of further variables, from the manifest
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
 * @property {string[]} unknown names in templates that nobody has set
 * @property {string[]} known names that templates can use
 * @property {Variables} environment
 * @property {Variables} build
 * @property {Variables} install
 * @property {Variables} scripts
 */

const PLAIN = /^(DB_(HOST|PORT|NAME|USER|SSL_CA)|S3_BUCKET)$/ // values that may be seen
const SHORTEST = 6 // characters of a value that is masked

/**
 * Return the sets of variables. A user's own value wins over a template, and a template over ours.
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
  const { mapped, open, unknown } = ofTemplates(sources, all)
  const environment = { ...all, ...mapped }
  return {
    masks: masks([all, environment, build, running], { ...given, ...open }),
    unknown,
    known: Object.keys(all).sort(),
    environment,
    build: { ...environment, ...build },
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
 * Return the variables of the templates, which insert the values that the others have without this table. `open` are those
 * without any secret value, `unknown` the names that nobody has set.
 * @param {Sources} sources
 * @param {Variables} values
 */
function ofTemplates({ given, own, templates = {} }, values) {
  const wanted = Object.entries(templates).filter(([name]) => own[name] === undefined)
  const isOpen = (/** @type {string} */ name) => PLAIN.test(name) || (name in given && own[name] === undefined)
  const open = wanted.filter(([, template]) => used(template).every(isOpen))
  const unknown = wanted.flatMap(([, template]) => used(template)).filter((name) => values[name] === undefined)
  const made = (/** @type {[string, string][]} */ some) =>
    Object.fromEntries(some.map(([name, template]) => [name, filled(template, values)]))
  return { mapped: made(wanted), open: made(open), unknown: [...new Set(unknown)] }
}

/**
 * Return the values to mask, also as they are written in addresses and JSON, and each line of a longer one.
 * @param {Variables[]} sources
 * @param {Variables} open what may be seen
 */
function masks(sources, open) {
  const secret = sources
    .flatMap((source) => Object.entries(source))
    .filter(([name, value]) => value !== open[name] && !PLAIN.test(name))
    .map(([, value]) => String(value))
  const written = (/** @type {string} */ value) => [value, encoded(value), JSON.stringify(value).slice(1, -1)]
  const all = secret.flatMap((value) => [...written(value), ...value.split('\n').flatMap(written)])
  return [...new Set(all.filter((value) => value.length >= SHORTEST))].sort((one, other) => other.length - one.length)
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
