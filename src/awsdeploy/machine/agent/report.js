// What a run says: lines on the output and in the logs, without the values of secret variables.
// @ts-check
'use strict'
const fs = require('fs')

const SHOWN = 50 // lines of a failed step's log
const KEPT = 200_000 // characters at the end of a step's output: enough for its diagnosis
const LONGEST = 1 << 20 // characters of a line
const CUT = 1 << 16 // characters at the end of a longer line, which may be the beginning of a secret

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
  /** @param {string} log */
  constructor(log) {
    this.log = log
    this.step = 'begin'
    this.stepText = '' // end of the step's output; in memory, because a full disk is one of the things it tells
    /** @type {{ line: string, said: boolean }[]} */
    this.recent = [] // last lines of the step
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
    this.stepText = ''
    this.recent = []
  }

  /** Say a line of another program, and keep it for the step's diagnosis. @param {string} text */
  relay(text) {
    const line = shown(text, this.secrets)
    this.keep(line, true)
    this.file(line)
    process.stdout.write(`${line}\n`)
  }

  /** Keep a line of another program in the log and for the diagnosis, without saying it. @param {string} text */
  note(text) {
    this.keep(text)
    this.file(text)
  }

  /**
   * Keep a line for the step's diagnosis alone.
   * @param {string} text
   * @param {boolean} [said] whether it has been said
   */
  keep(text, said = false) {
    const line = shown(text, this.secrets)
    this.stepText += `${line}\n`
    if (this.stepText.length > 2 * KEPT) this.stepText = this.stepText.slice(-KEPT)
    this.recent = [...this.recent, ...line.split('\n').map((one) => ({ line: one, said }))].slice(-SHOWN)
  }

  /** Keep a line in the log alone. @param {string} line */
  file(line) {
    append(this.log, `${shown(line, this.secrets)}\n`)
  }

  /** Say what of the end of the step's output has not been said: an output is shown once. */
  sayTail() {
    for (const { line, said } of this.recent) if (!said) this.say(`| ${line}`)
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
 * Return a line of another program as it may be seen: without secrets, and not as one of our own lines for programs.
 * @param {string} text
 * @param {string[]} secrets
 */
function shown(text, secrets) {
  const line = masked(text, secrets)
  const whole = text.length > LONGEST ? `${line.slice(0, -CUT)} … (the rest of the line is not shown)` : line
  return whole.replace(/^@(?=(?:step|outcome) )/gm, ' @')
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

module.exports = { Failure, Report, LONGEST, append, masked, shown, outcomeLine, json }
