// One run of the agent: its settings, its users, and what it knows of the release that it works on.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { Failure } = require('./report')
const { diagnose } = require('./failures')
const { parse } = require('./manifest')

const MEND = 'Read the lines above, mend it, and deploy again.'

class Run {
  /**
   * @param {import('./settings').Settings} settings
   * @param {ReturnType<typeof import('./users').users>} users
   * @param {import('./report').Report} report
   * @param {import('./cancellation').Cancellation} cancellation
   * @param {import('./runner').Runner} runner
   */
  constructor(settings, users, report, cancellation, runner) {
    this.settings = settings
    this.users = users
    this.report = report
    this.cancellation = cancellation
    this.runner = runner
    this.id = settings.release
    this.previous = '' // the release that runs when the run begins
    this.outcome = 'ok'
    this.locked = false
    this.migrations = settings.command === 'deploy'
    this.switching = false // the previous release must be put back if the run fails
    this.recorded = false // a reboot may start the new release
    this.candidate = false // processes of a candidate may run
    /** @type {import('./manifest').Manifest | null} */
    this.read = null
    this.manifestText = ''
    /** @type {import('./variables').Sets | null} */
    this.variables = null
    /** @type {import('./package_manager').Manager | null} */
    this.manager = null
    this.node = '' // folder with the programs of the release's Node.js, empty for the machine's own
    this.nodeVersion = process.version
    this.heap = 0 // MB that a build may take, 0 for what Node.js decides
    this.logged = { output: 0, errors: 0 } // bytes of the application's logs before the switch
  }

  /** Folder of the release. */
  get folder() {
    return `${this.settings.releases}/${this.id}`
  }

  /** Folder of the service in the release. */
  get at() {
    return path.join(this.folder, this.manifest.directory)
  }

  /** What the application keeps for the release: its environment and how it is started. */
  get kept() {
    return `${this.settings.shared}/${this.id}`
  }

  /** Root's record of the release. */
  get known() {
    return `${this.settings.known}/${this.id}`
  }

  get manifest() {
    if (!this.read) throw new Error('no manifest has been read')
    return this.read
  }

  get sets() {
    if (!this.variables) throw new Error('no variables have been read')
    return this.variables
  }

  /** @param {string} file */
  readManifest(file) {
    if (!fs.existsSync(file)) throw new Failure(`${this.id} is not on this machine.`, this.again)
    this.manifestText = fs.readFileSync(file, 'utf8')
    try {
      this.read = parse(this.manifestText)
    } catch (error) {
      this.report.keep(String(error))
      throw new Failure(`The manifest of ${this.id} cannot be read.`, 'Deploy again with the newest awsdeploy.')
    }
  }

  get again() {
    return `Deploy again: \`awsdeploy deploy ${this.settings.service}\`.`
  }

  /**
   * Fail because a command of the step ended with this status: with what is known of it, else with this sentence.
   * @param {number} status
   * @param {string} diagnosis
   * @param {string} [remedy]
   * @returns {never}
   */
  broken(status, diagnosis, remedy = MEND) {
    this.report.keep(`exit status ${status}`)
    this.failKnown()
    throw new Failure(diagnosis, remedy)
  }

  /** Fail if the step's log says something that is known to go wrong. */
  failKnown() {
    const known = diagnose(this.report.stepText, this.settings.service, this.report.step)
    if (known) throw new Failure(known.diagnosis, known.remedy)
  }

  /**
   * Do file operations, and fail with this sentence if one of them does.
   * @template T
   * @param {string} diagnosis
   * @param {() => T} work
   * @param {string} [remedy]
   * @returns {T}
   */
  orBroken(diagnosis, work, remedy) {
    try {
      return work()
    } catch (error) {
      this.report.keep(String(error))
      return this.broken(1, diagnosis, remedy)
    }
  }
}

module.exports = { Run }
