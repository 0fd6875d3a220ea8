// What a run is told by its command line and its environment, and where its files are.
// @ts-check
'use strict'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const WORD = /^[A-Za-z0-9][A-Za-z0-9./_-]*$/
const WITH_RELEASE = ['deploy', 'join', 'rollback']
const WITHOUT = ['restart', 'catchup', 'releases']
const ASKING = ['tables', 'rows']
const ALONE = ['exec', ...ASKING] // they do not disturb another run

const USAGE = `release.sh deploy   STACK SERVICE REGION BUCKET ID    as in: release.sh deploy shop/prod backend ap-northeast-2 b 20…
release.sh join     STACK SERVICE REGION BUCKET ID    as deploy, on a further machine: migrations have run already
release.sh rollback STACK SERVICE REGION BUCKET ID    a release that is on the machine; built again if it is not
release.sh restart  STACK SERVICE REGION BUCKET       the environment is read again, the processes are reloaded
release.sh catchup  STACK SERVICE REGION BUCKET       what releases/SERVICE/current.json names; for new machines
release.sh exec     STACK SERVICE REGION BUCKET LINE  a command line in the release that serves, with its environment
release.sh tables   STACK SERVICE REGION BUCKET HOST  how many tables the database on that host has
release.sh rows     STACK SERVICE REGION BUCKET HOST  and how many rows
release.sh releases STACK SERVICE REGION BUCKET       one line of JSON: which there are, and which serves
`

/**
 * Return the settings of a run, or null for a command line that is not valid. With ROOT everything is below that folder.
 * @param {string[]} words
 * @param {NodeJS.ProcessEnv} environment
 */
function settings(words, environment) {
  const [command = '', stack = '', service = '', region = '', bucket = '', last = ''] = words
  const needs = [...WITH_RELEASE, ...ALONE].includes(command)
  const release = WITH_RELEASE.includes(command) ? last : ''
  if ((needs && !last) || (!needs && !WITHOUT.includes(command))) return null
  if (![stack, service, region, bucket].every((word) => WORD.test(word))) return null
  if (ASKING.includes(command) && !WORD.test(last)) return null
  if (service.includes('/') || (release && !NAME.test(release))) return null
  return Object.freeze({
    command,
    stack,
    service,
    region,
    bucket,
    release,
    line: command === 'exec' ? last : '',
    host: ASKING.includes(command) ? last : '',
    alone: ALONE.includes(command),
    patience: Number(environment.PATIENCE || 60), // s until a started release has to answer
    lockSeconds: Number(environment.LOCK_SECONDS || 600), // s to wait for another run
    instance: environment.INSTANCE_ID || '',
    nodeInstaller: environment.NODE_INSTALLER || '', // program that brings Node.js where there is no Amazon Linux
    ...places(environment.ROOT || '', command, service),
  })
}

/**
 * @param {string} root
 * @param {string} command
 * @param {string} service
 */
function places(root, command, service) {
  const srv = `${root}/srv/app`
  const records = `${root}/var/lib/awsdeploy`
  const logs = `${root}/var/log/awsdeploy`
  // They have a folder of their own and keep nothing.
  const alone = ALONE.includes(command)
  return {
    root,
    srv,
    records,
    logs,
    appLogs: `${root}/var/log/app`,
    releases: `${srv}/releases`,
    shared: `${srv}/shared`,
    current: `${srv}/current`,
    work: alone ? `${records}/exec.${process.pid}` : `${records}/release`,
    log: alone ? '/dev/null' : `${logs}/release.log`,
    lock: `${records}/release.lock`,
    access: `${srv}/shared/repository`, // the token or key of a repository, while it is fetched from
    // What root knows of releases, where only root writes: for each its manifest and whether it is complete, and which one
    // is running. The folders of releases belong to the application, so nothing there decides what root does.
    known: `${records}/releases`,
    serving: `${records}/current`,
    installs: `${srv}/installs`, // packages of the last install; see install_cache.js
    nodes: `${root}/opt/awsdeploy/node`, // versions beside the machine's own
    clusterHook: `${root}/opt/awsdeploy/cluster_hook.js`,
    databaseCa: `${root}/opt/awsdeploy/rds-ca.pem`, // of the region's databases
    units: `${root}/etc/systemd/system`,
    candidate: `${service}-candidate`,
    nginxConfig: `${root}/etc/nginx/awsdeploy.conf`,
    nginxPid: `${root}/run/nginx.pid`,
    nginxLogs: `${root}/var/log/nginx`,
  }
}

/** @typedef {NonNullable<ReturnType<typeof settings>>} Settings */

module.exports = { settings, NAME, USAGE }
