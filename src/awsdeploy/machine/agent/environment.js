// The environment step: reads the variables of a service, and stores them where only the application can read them.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { asUser, makeFolder } = require('./users')
const { databaseLibrary } = require('./database_library')
const { Failure } = require('./report')
const { fromParameters, sets } = require('./variables')
const { replaceFile, writePrivate } = require('./write')

const UNWRITTEN = 'The environment cannot be written.'

/** @param {import('./context').Run} run */
async function environment(run) {
  run.report.begin('environment')
  run.orBroken(UNWRITTEN, () => asUser(run.users.app, () => makeFolder(run.kept, 0o700)))
  await readVariables(run)
  needKnown(run)
  run.orBroken(`${run.settings.known} cannot be written.`, () => {
    makeFolder(run.known, 0o700)
    replaceFile(`${run.known}/manifest.json`, run.manifestText)
  })
  run.orBroken(UNWRITTEN, () =>
    asUser(run.users.app, () => {
      writePrivate(`${run.kept}/environment.next.json`, JSON.stringify(run.sets.environment))
      replaceFile(`${run.kept}/manifest.json`, run.manifestText) // for the application's own part
    }),
  )
}

/**
 * Read what is stored for the service; from here on its secrets are masked.
 * @param {import('./context').Run} run
 * @param {Record<string, string>} [running] variables of the release that runs (exec)
 */
async function readVariables(run, running) {
  const { service, databaseCa } = run.settings
  const none = /** @type {import('./variables').Variables} */ ({})
  const [own, build, database] = await Promise.all([
    parameters(run, service),
    parameters(run, `${service}/build`),
    run.manifest.database ? parameters(run, 'database') : none,
  ])
  if (!running && database.DB_SSL_CA) await fetchCertificates(run)
  const content = run.manifest.database && fs.existsSync(databaseCa) ? fs.readFileSync(databaseCa, 'utf8') : ''
  const library = content ? asUser(run.users.app, () => databaseLibrary(run.at)) : ''
  const given = { ...run.manifest.environment, RELEASE_ID: run.id }
  const templates = run.manifest.variables
  run.variables = sets({ given, database, own, build, templates, running }, { path: databaseCa, content, library })
  run.report.secrets = run.variables.masks
}

/**
 * Fail if a template of config.toml names a variable that nobody has set.
 * @param {import('./context').Run} run
 */
function needKnown({ sets: { unknown, known }, settings: { service } }) {
  if (!unknown.length) return
  const [name] = unknown
  throw new Failure(
    `[services.${service}.variables] in config.toml uses {${unknown.join('}, {')}}, which is not set.`,
    `Set it (\`awsdeploy env set ${service} ${name}\`) or use one of: ${known.join(', ')}.`,
  )
}

/**
 * Return the parameters of one folder of the stack.
 * @param {import('./context').Run} run
 * @param {string} folder
 * @returns {Promise<import('./variables').Variables>}
 */
async function parameters(run, folder) {
  const place = `/deploy/${run.settings.stack}/${folder}`
  const words = ['ssm', 'get-parameters-by-path', '--region', run.settings.region, '--path', place]
  const { status, text } = await run.runner.capture(['aws', ...words, '--with-decryption', '--output', 'json'])
  if (status !== 0) {
    const remedy = "Check the permissions of the machine's role: `awsdeploy plan`."
    run.broken(status, `The parameters below ${place} could not be read.`, remedy)
  }
  return fromParameters(text)
}

/**
 * Fetch the certificates of the region's databases. If that fails, the previous copy is used.
 * AWS: RDS, "Certificate bundles by AWS Region".
 * @param {import('./context').Run} run
 */
async function fetchCertificates(run) {
  const { region, databaseCa } = run.settings
  const place = `https://truststore.pki.rds.amazonaws.com/${region}/${region}-bundle.pem`
  const fresh = `${databaseCa}.new`
  const limits = ['--retry', '3', '--connect-timeout', '10', '--max-time', '60']
  fs.mkdirSync(path.dirname(databaseCa), { recursive: true })
  const words = ['--fail', '--silent', '--show-error', '--location', ...limits, '--output', fresh, place]
  const { status } = await run.runner.capture(['curl', ...words])
  if (status === 0 && fs.readFileSync(fresh, 'utf8').includes('BEGIN CERTIFICATE')) {
    fs.chmodSync(fresh, 0o644)
    fs.renameSync(fresh, databaseCa)
  }
  if (!fs.existsSync(databaseCa)) {
    run.broken(1, `${place} cannot be fetched.`, 'Can the machine reach the internet? Deploy again.')
  }
}

module.exports = { environment, fetchCertificates, readVariables, parameters }
