// A commit from a git repository. The token is in git's environment alone, a key in a file of the application's user: in
// no address, argument or configuration. Both are removed before anything of the release runs.
// @ts-check
'use strict'
const fs = require('fs')
const { argvAs, asUser, makeFolder } = require('./users')
const { which } = require('./runner')
const { parameters } = require('./environment')
const { Failure } = require('./report')
const { writePrivate } = require('./write')

// Anybody else who asks, after a redirect to another server, is told nothing.
const ASKPASS = `#!/bin/sh
case $1 in
"Username for '"*"//$AWSDEPLOY_GIT_PLACE': ") printf '%s\\n' "$AWSDEPLOY_GIT_USER" ;;
"Password for '"*"@$AWSDEPLOY_GIT_PLACE': ") printf '%s\\n' "$AWSDEPLOY_GIT_TOKEN" ;;
*) exit 1 ;;
esac
`
// The same files as where \`deploy\` runs: no attribute of the commit changes a byte; export-ignore leaves out.
const ATTRIBUTES = '* -text -crlf !eol !filter !ident !working-tree-encoding !export-subst\n'
const LIMITS = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=60', '-c', 'gc.auto=0']
const CONNECT = '`awsdeploy repository connect`.'

/** @typedef {{ url?: string, user?: string, token?: string, key?: string, known_hosts?: string }} Access */

/** @param {import('./context').Run} run */
async function fetchCommit(run) {
  const { commit } = run.manifest
  const short = commit.slice(0, 7)
  await needGit(run)
  const access = await open(run)
  let status = await fetch(run, access, ['--depth=1', commit])
  // Not every server hands out a commit by its name.
  if (status !== 0 && /unadvertised object|want .* not valid|shallow/.test(run.report.stepText)) {
    status = await fetch(run, access, ['--force', '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'])
  }
  if (status !== 0) run.broken(status, `git could not fetch the commit ${short}.`)
  removeAccess(run, '/askpass', '/key')
  status = await checkOut(run)
  if (status !== 0) run.broken(status, `The commit ${short} cannot be unpacked.`)
  removeAccess(run, '')
}

/** Machines of an older bootstrap have no git. @param {import('./context').Run} run */
async function needGit(run) {
  if (which('git')) return
  const status = await run.runner.run(['yum', 'install', '--assumeyes', '--quiet', 'git'])
  if (status === 0) return
  const shell = `\`awsdeploy shell ${run.settings.service}\``
  const remedy = `Recreate the machine (\`awsdeploy up --replace KEY\`), or install git on it: ${shell}.`
  run.broken(status, 'git is not on this machine.', remedy)
}

/**
 * Read what `awsdeploy repository connect` has stored for this service (nothing for a public repository), and write what
 * git and ssh read.
 * @param {import('./context').Run} run
 * @returns {Promise<Access>}
 */
async function open(run) {
  const { settings, users } = run
  const { repository } = run.manifest
  run.orBroken(`${settings.access} cannot be created.`, () =>
    asUser(users.app, () => makeFolder(settings.access, 0o700)),
  )
  const stored = await parameters(run, `${settings.service}/repository`)
  /** @type {Access} */
  let access
  try {
    access = { ...JSON.parse(stored.access || '{}'), known_hosts: stored.known_hosts }
  } catch {
    throw new Failure('The token or key of the repository cannot be read.', `Connect it again: ${CONNECT}`)
  }
  if (access.url && access.url !== repository) {
    throw new Failure(
      `The code is in ${repository}, but ${access.url} is connected.`,
      `Connect ${repository}: ${CONNECT}`,
    )
  }
  run.report.secrets = access.token ? [access.token] : []
  if (!repository.startsWith('http') && !access.key) {
    const missing = `no token or key for ${repository} is stored for ${settings.service}.`
    throw new Failure(`git refused: ${missing}`, `Connect it: ${CONNECT}`)
  }
  asUser(users.app, () => {
    writePrivate(`${settings.access}/key`, access.key || '')
    writePrivate(`${settings.access}/known_hosts`, access.known_hosts || '')
    writePrivate(`${settings.access}/askpass`, ASKPASS)
    fs.chmodSync(`${settings.access}/askpass`, 0o700)
  })
  return access
}

/**
 * Return the environment of git: as nobody has configured it. A server that says nothing for a minute is given up.
 * @param {string} folder
 * @param {Access} access
 * @returns {NodeJS.ProcessEnv}
 */
function gitEnvironment(folder, access) {
  const known = `-o UserKnownHostsFile='${folder}/known_hosts' -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes`
  const token = access.token && {
    AWSDEPLOY_GIT_PLACE: /^http/.test(access.url || '') ? (access.url || '').split('/')[2] : '',
    AWSDEPLOY_GIT_USER: access.user || '',
    AWSDEPLOY_GIT_TOKEN: access.token,
  }
  return {
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_DIR: `${folder}/code.git`,
    GIT_SSH_COMMAND: `ssh -F /dev/null -i '${folder}/key' -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=30 ${known}`,
    GIT_ASKPASS: `${folder}/askpass`,
    ...token,
  }
}

/**
 * @param {import('./context').Run} run
 * @param {Access} access
 * @param {string[]} what
 */
async function fetch(run, access, what) {
  const { repository, commit } = run.manifest
  const env = gitEnvironment(run.settings.access, access)
  const git = (/** @type {string[]} */ ...words) => argvAs(run.users.app, ['git', ...LIMITS, ...words])
  run.report.relay(`git fetch ${repository} ${commit.slice(0, 7)}`)
  const [first, ...refs] = what
  for (const words of [
    ['init', '--quiet', '--bare', '--template='],
    ['fetch', '--quiet', '--no-tags', first, repository, ...refs],
  ]) {
    const status = await run.runner.run(git(...words), { env })
    if (status !== 0) return status
  }
  const there = await run.runner.run(git('cat-file', '-e', `${commit}^{commit}`), { env, output: () => {} })
  if (there !== 0) run.report.relay(`not our ref ${commit}`)
  return there === 0 ? 0 : 1
}

/** @param {import('./context').Run} run */
function checkOut(run) {
  const { settings, users } = run
  asUser(users.app, () => {
    fs.mkdirSync(`${settings.access}/code.git/info`, { recursive: true })
    fs.writeFileSync(`${settings.access}/code.git/info/attributes`, ATTRIBUTES)
  })
  const archive = argvAs(users.app, ['git', ...LIMITS, 'archive', '--format=tar', run.manifest.commit])
  const env = gitEnvironment(settings.access, {})
  return run.runner.run(argvAs(users.builder, ['tar', '-xf', '-', '-C', run.folder]), { env, from: archive })
}

/**
 * @param {Pick<import('./context').Run, 'settings' | 'users'>} run
 * @param {string[]} names
 */
function removeAccess({ settings, users }, ...names) {
  const remove = (/** @type {string} */ name) =>
    fs.rmSync(`${settings.access}${name}`, { recursive: true, force: true })
  asUser(users.app, () => names.forEach(remove))
}

module.exports = { fetchCommit, removeAccess }
