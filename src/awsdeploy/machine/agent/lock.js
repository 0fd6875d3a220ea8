// The lock of releases: one run at a time changes a machine.
// @ts-check
'use strict'
const fs = require('fs')
const { which } = require('./runner')
const { Failure } = require('./report')

// macOS has perl, but no flock.
const PERL = `use Fcntl ":flock"; open(my $l, ">&=", 3); my $end = time + $ARGV[0];
until (flock($l, LOCK_EX | LOCK_NB)) { exit 1 if time >= $end; sleep 1 }`

/** Take the lock; it is released when this process ends. @param {import('./context').Run} run */
async function lock(run) {
  const { settings, report } = run
  const holder = `${settings.lock}.holder`
  report.step = 'lock'
  const descriptor = fs.openSync(settings.lock, 'a', 0o600)
  fs.fchmodSync(descriptor, 0o600) // whoever may read it could hold the lock
  if (!(await flocked(run, descriptor, 0))) {
    report.say(`Waiting for another run: ${read(holder)}`)
    if (!(await flocked(run, descriptor, settings.lockSeconds))) {
      throw new Failure(`Another run is still in progress: ${read(holder)}.`, 'Wait for it to end, then try again.')
    }
  }
  run.locked = true
  const what = `${settings.command} ${settings.release || settings.service}`
  fs.writeFileSync(holder, `${what}, process ${process.pid}, since ${time()}\n`)
}

/**
 * A lock belongs to the open file, so another program can take it for us.
 * @param {import('./context').Run} run
 * @param {number} descriptor
 * @param {number} seconds to wait
 */
async function flocked(run, descriptor, seconds) {
  const flock = ['flock', ...(seconds ? ['-w', String(seconds)] : ['-n']), '3']
  const argv = which('flock') ? flock : ['perl', '-e', PERL, String(seconds)]
  return (await run.runner.run(argv, { third: descriptor, unrecorded: true })) === 0
}

/** @param {string} file */
function read(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : ''
}

function time() {
  return `${new Date().toISOString().slice(0, 19)}Z`
}

module.exports = { lock, time }
