// The fetch step: the manifest of a release, and its code as an archive from the bucket or a commit from a repository.
// @ts-check
'use strict'
const fs = require('fs')
const { argvAs, asUser, isFile, ownFolder } = require('./users')
const { quietly } = require('./runner')
const { fetchCommit } = require('./git')
const { Failure } = require('./report')

/** @param {import('./context').Run} run */
async function fetchManifest(run) {
  const { settings } = run
  run.report.begin('fetch')
  if (settings.command === 'rollback' && fs.existsSync(`${run.known}/manifest.json`)) {
    run.readManifest(`${run.known}/manifest.json`)
    return
  }
  const file = `${settings.work}/manifest.json`
  await fromBucket(run, `${run.id}.json`, file)
  run.readManifest(file)
}

/**
 * Copy an object of the service's releases.
 * @param {import('./context').Run} run
 * @param {string} name
 * @param {string} file
 */
async function fromBucket(run, name, file) {
  const object = objectOf(run.settings, name)
  const status = await run.runner.run(copied(run.settings, name, file))
  if (status !== 0) run.broken(status, `${object} could not be read.`, run.again)
}

/**
 * @param {import('./settings').Settings} settings
 * @param {string} name
 */
function objectOf({ bucket, service }, name) {
  return `s3://${bucket}/releases/${service}/${name}`
}

/**
 * @param {import('./settings').Settings} settings
 * @param {string} name
 * @param {string} file
 */
function copied(settings, name, file) {
  return ['aws', 's3', 'cp', '--only-show-errors', '--region', settings.region, objectOf(settings, name), file]
}

/**
 * Return the release that is current in the bucket, or nothing before the first one.
 * @param {import('./context').Run} run
 */
async function currentInBucket(run) {
  const file = `${run.settings.work}/current.json`
  const output = (/** @type {string} */ line) => run.report.keep(line)
  const status = await run.runner.run(copied(run.settings, 'current.json', file), { output })
  if (status === 0) {
    const told = JSON.parse(fs.readFileSync(file, 'utf8'))
    return String(told.id || told.release)
  }
  // AWS: who may not list a bucket is told 403 for an object that does not exist.
  if (!/\((404|403)\)|Not Found|NoSuchKey|Forbidden/.test(run.report.stepText)) {
    run.broken(1, `${objectOf(run.settings, 'current.json')} could not be read.`)
  }
  return ''
}

/** @param {import('./context').Run} run */
async function fetchCode(run) {
  const { repository, commit, directory } = run.manifest
  fs.rmSync(run.known, { recursive: true, force: true })
  if (fs.existsSync(run.folder)) quietly(['rm', '-rf', run.folder]) // not by ourselves: the folder may change meanwhile
  asUser(run.users.app, () => fs.rmSync(run.kept, { recursive: true, force: true }))
  run.orBroken(`${run.folder} cannot be created.`, () => ownFolder(run.users.builder, 0o755, run.folder))
  if (!repository) await fetchArchive(run)
  else if (/^[^\s-]\S*$/.test(repository) && /^[0-9a-f]{40,64}$/.test(commit)) await fetchCommit(run)
  else throw new Failure(`The manifest of ${run.id} contains no repository and commit.`, run.again)
  if (!asUser(run.users.app, () => isFile(`${run.at}/package.json`))) {
    throw new Failure(`There is no package.json in \`${directory}\`.`, "Set the service's directory in the config.")
  }
}

/** @param {import('./context').Run} run */
async function fetchArchive(run) {
  const file = `${run.settings.work}/archive.tar.gz`
  await fromBucket(run, `${run.id}.tar.gz`, file)
  const input = fs.openSync(file, 'r')
  const status = await run.runner.run(argvAs(run.users.builder, ['tar', '-xzf', '-', '-C', run.folder]), { input })
  fs.closeSync(input)
  if (status !== 0) run.broken(status, `The archive of ${run.id} cannot be unpacked.`, run.again)
  fs.rmSync(file, { force: true })
}

module.exports = { fetchManifest, fetchCode, currentInBucket }
