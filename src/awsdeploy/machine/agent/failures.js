// What is known to go wrong: a pattern of a failed step's log, a sentence of diagnosis, and one of remedy.
// @ts-check
'use strict'

const COLOURS = /\x1b\[[0-9;]*m/g
const READ = 200_000 // characters at the end of a log
const LONGEST = 300 // characters of a program's own words
const ERROR = /^\s*\[?(?:Uncaught )?((?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?: .+)/gm

/**
 * $1 is what the pattern's first group has found. The last line of a log is `exit status N`. The first row that fits is
 * used, so a particular row comes before a general one.
 * @type {[pattern: RegExp, diagnosis: string, remedy: string][]}
 */
const FAILURES = [
  [
    /^git fetch \S+[^]*(?:Authentication failed|could not read (?:Username|Password)|returned error: 40[13]|Permission denied \(|Access denied|HTTP Basic)/im,
    'git refused: the server does not let this machine read the repository.',
    'Connect it with a token or key that may read it: `awsdeploy repository connect`.',
  ],
  [
    /^git fetch \S+[^]*Host key verification failed/im,
    "git refused: the repository's server has a different host key than when it was connected.",
    'Make sure that it is the right server, then: `awsdeploy repository connect`.',
  ],
  [
    /^git fetch (\S+)[^]*(?:repository '[^']*' not found|Repository not found|returned error: 404|does not appear to be a git repository)/im,
    'The repository $1 does not exist, or the stored token or key cannot read it.',
    'Correct release.repository in the config, or connect it again: `awsdeploy repository connect`.',
  ],
  [
    /^git fetch \S+ (\w{7})[^]*not our ref/im,
    'The repository does not have the commit $1: it was not pushed.',
    'Push it (git push), and deploy again.',
  ],
  [
    /^git fetch (\S+)[^]*(?:Could not resolve host|Failed to connect|Could not connect|Connection (?:timed out|refused|reset)|Operation too slow)/im,
    'The server of $1 cannot be reached from this machine.',
    'Check whether it is reachable from the internet, or set source = "local".',
  ],
  [
    /ENOSPC|no space left on device|disk quota exceeded/im,
    'The disk is full.',
    'Give the service a larger disk (volume_gb), or keep fewer releases.',
  ],
  [
    /heap out of memory|exit status 137|signal:? SIGKILL|^Killed/im,
    'The build ran out of memory.',
    'Use a larger instance_type, or limit the memory of the build.',
  ],
  [
    /E40[13]\b.*|ERR_PNPM_FETCH_40[13]|Request failed "40[13]|authentication token not provided|YN0041/im,
    'The package registry denied access to a private package.',
    'Store a token for it: `awsdeploy env set SERVICE NPM_TOKEN --build`, and name ${NPM_TOKEN} in .npmrc.',
  ],
  [
    /(?:E404|ERR_PNPM_FETCH_404|YN0035)[^]{0,300}?(@[\w.-]+(?:\/|%2f)[\w.-]+)/im,
    'The package registry has no package $1: it is private or does not exist.',
    'Store a token for it: `awsdeploy env set SERVICE NPM_TOKEN --build`, and name ${NPM_TOKEN} in .npmrc.',
  ],
  [
    /E404|ERR_PNPM_FETCH_404|YN0035/im,
    'The package registry does not know one of the packages.',
    'Check its name above. If it is private: `awsdeploy env set SERVICE NPM_TOKEN --build`.',
  ],
  [
    /EUSAGE|can only install packages when your package.json and package-lock.json|lockfile needs to be updated|ERR_PNPM_OUTDATED_LOCKFILE|YN0028/im,
    'The lock file does not match package.json.',
    'Install once on your computer, commit the lock file, and deploy again.',
  ],
  [
    /EBADENGINE|The engine "node" is incompatible|ERR_PNPM_UNSUPPORTED_ENGINE/im,
    'A package requires a Node.js version that this machine does not have.',
    'Change engines.node in package.json, or the platform: "supported" has a newer Node.js.',
  ],
  [
    /(?:^|[ :])([\w@./-]+): (?:command )?not found/im,
    'The program `$1` was not found.',
    'Add the package that contains it to package.json and commit the lock file.',
  ],
  [
    /exit status 127/im,
    'A program that this step runs was not found.',
    'Add the package that contains it to package.json and commit the lock file.',
  ],
  [
    /AccessControlListNotSupported/im,
    'An upload sets an ACL, but the bucket does not allow ACLs (AccessControlListNotSupported).',
    'Remove the ACL from the upload: the bucket policy already makes uploads/ public.',
  ],
  [
    /ER_NO_SUCH_TABLE|P2021|Table '[^']*' doesn't exist|relation "[^"]*" does not exist/im,
    'A table of the database is missing.',
    'Set the migration command in config.toml (migrate), so that it runs before the switch.',
  ],
  [
    /ER_SECURE_TRANSPORT_REQUIRED|insecure transport are prohibited/im,
    'The database refuses connections without TLS.',
    'Pass `ssl: { ca: fs.readFileSync(process.env.DB_SSL_CA) }` to the driver (docs/your-application.md: for each library), or set database.tls = "optional" and run `awsdeploy up`.',
  ],
  [
    /HANDSHAKE_SSL_ERROR/im,
    "The driver does not trust the database's certificate.",
    'Pass `ssl: { ca: fs.readFileSync(process.env.DB_SSL_CA) }` to it (docs/your-application.md: for each library).',
  ],
  [
    /ER_ACCESS_DENIED|Access denied for user|P1000/im,
    'The database refused the user or the password.',
    'Check whether DB_USER, DB_PASSWORD or DATABASE_URL was set manually: `awsdeploy env list`. MariaDB says the same to connections without TLS: see DB_SSL_CA in docs/your-application.md.',
  ],
  [
    /ER_BAD_DB_ERROR|Unknown database|P1003/im,
    'The database server does not have a database of this name.',
    'Check whether DB_NAME was set manually: `awsdeploy env list`.',
  ],
  [
    /ECONNREFUSED [^ ]*:(?:3306|5432)\b|ECONNREFUSED.*(?:mysql|maria|sequelize|typeorm|prisma)|(?:mysql|maria|sequelize|typeorm|prisma).*ECONNREFUSED/im,
    'The database refused the connection.',
    'Read DB_HOST and DB_PORT from the environment, and check whether the database is running: `awsdeploy status`.',
  ],
  [
    /ETIMEDOUT [^ ]*:(?:3306|5432)\b|ER_CONN.*TIMEOUT|connect ETIMEDOUT|P1001|Can't reach database server|HandshakeInactivityTimeout/im,
    'The database did not answer in time.',
    "Read DB_HOST from the environment, and check the database's security group: `awsdeploy plan`.",
  ],
  [
    /(?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)/im,
    'The hostname $1 cannot be resolved.',
    'Check whether a variable with this value was set manually: `awsdeploy env list`.',
  ],
  [
    /EADDRINUSE[^\n]*?:(\d+)\b/im,
    'Port $1 is taken by another program.',
    'Read the port from PORT, and let each process listen on its own.',
  ],
  [
    /bind\(\) to [^ ]*:(\d+) failed \((?:98|48):/im,
    'Port $1 is taken by another program.',
    'Find it (ss -ltnp) and stop it: nginx needs this port.',
  ],
  [
    /EACCES[^\n]*?:(\d+)\b/im,
    'The program has no permission to listen on port $1.',
    'Listen on the port in PORT; ports below 1024 are for root.',
  ],
  [
    /Cannot find (?:module|package) '([^']+)'/im,
    'The program imports $1, which was not found.',
    'Is it built, committed, and in dependencies rather than devDependencies?',
  ],
  [/Could not find a production build/im, 'There is no build to start.', 'Give package.json a script named build.'],
  [/Missing script:? "?([\w:.-]+)/im, 'package.json has no script named $1.', 'Add it, or correct the command.'],
]

/**
 * Return what is known of a log, or null.
 * @param {string} log
 * @param {string} service
 */
function diagnose(log, service) {
  const text = log.replace(COLOURS, '').slice(-READ)
  for (const [pattern, ...sentences] of FAILURES) {
    const found = pattern.exec(text)
    if (!found) continue
    const [diagnosis, remedy] = sentences.map((sentence) =>
      sentence.replace('$1', () => decoded(found[1] || '?')).replace('SERVICE', service),
    )
    return { diagnosis, remedy }
  }
  return null
}

/**
 * Return the last error that a program reported in its own words, as one sentence, or nothing.
 * @param {string} log
 */
function ownWords(log) {
  const text = log.replace(COLOURS, '').slice(-READ)
  const found = [...text.matchAll(ERROR)].pop()
  if (!found) return ''
  const words = found[1].replace(/\]?( \{)?$/, '').slice(0, LONGEST)
  return /[.?!]$/.test(words) ? words : `${words}.`
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

module.exports = { diagnose, ownWords }
