// What a run says: lines on the output and in the logs, without the values of secret variables.
// @ts-check
'use strict'
const fs = require('fs')

const SHOWN = 50 // lines of a failed step's log

/** A failure with a sentence of diagnosis and one of remedy. */
class Failure extends Error {
  /**
   * @param {string} diagnosis
   * @param {string} remedy
   */
  constructor(diagnosis, remedy) {
    super(diagnosis)
    this.remedy = remedy
  }
}

class Report {
  /**
   * @param {string} log
   * @param {string} stepLog
   */
  constructor(log, stepLog) {
    this.log = log
    this.stepLog = stepLog
    this.step = 'begin'
    /** @type {string[]} */
    this.secrets = []
    process.stdout.on('error', () => {})
  }

  /** Say a line of our own. @param {string} text */
  say(text) {
    process.stdout.write(`${text}\n`)
    append(this.log, `${text}\n`)
  }

  /** @param {string} name */
  begin(name) {
    this.step = name
    this.clear()
    this.say(`@step ${name}`)
  }

  clear() {
    fs.writeFileSync(this.stepLog, '')
  }

  /** Say a line of another program, and keep it in the step's log. @param {string} text */
  relay(text) {
    const line = masked(text, this.secrets)
    this.keep(line)
    append(this.log, `${line}\n`)
    process.stdout.write(`${line}\n`)
  }

  /** Keep a line of another program in the logs, without saying it. @param {string} text */
  note(text) {
    const line = masked(text, this.secrets)
    this.keep(line)
    append(this.log, `${line}\n`)
  }

  /** Keep a line in the step's log alone. @param {string} line */
  keep(line) {
    append(this.stepLog, `${line}\n`)
  }

  /** Keep a line in the log alone. @param {string} line */
  file(line) {
    append(this.log, `${masked(line, this.secrets)}\n`)
  }

  get stepText() {
    return fs.readFileSync(this.stepLog, 'utf8')
  }

  sayTail() {
    const lines = this.stepText.split('\n')
    if (lines[lines.length - 1] === '') lines.pop()
    for (const line of lines.slice(-SHOWN)) this.say(`| ${line}`)
  }
}

/**
 * @param {string} file
 * @param {string} text
 */
function append(file, text) {
  try {
    fs.appendFileSync(file, text)
  } catch {
    // A full disk must not end a run that could still go back.
  }
}

/**
 * @param {string} line
 * @param {string[]} secrets
 */
function masked(line, secrets) {
  return secrets.reduce((text, secret) => text.split(secret).join('***'), line)
}

/**
 * Return the last line of a run.
 * @param {{ outcome: string, release: string, step: string, diagnosis: string, remedy: string, previous: string }} told
 */
function outcomeLine(told) {
  const { outcome, release, step, diagnosis, remedy, previous } = told
  const fields = [
    `"outcome": ${json(outcome)}, "release": ${json(release)}, "step": ${json(step)}`,
    `"diagnosis": ${text(diagnosis)}, "remedy": ${text(remedy)}, "previous": ${json(previous)}`,
  ]
  return `@outcome {${fields.join(', ')}}`
}

/** @param {string} value */
function text(value) {
  return JSON.stringify(value.replace(/[\0-\x1f]/g, ' '))
}

/** @param {string} value */
function json(value) {
  return value ? text(value) : 'null'
}

module.exports = { Failure, Report, masked, outcomeLine, json }
