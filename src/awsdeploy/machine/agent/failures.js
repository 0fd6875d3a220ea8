// What a log says of a failure: the known one that fits, or the program's own words.
// @ts-check
'use strict'
const { ROWS } = require('./known_failures')

const COLOURS = /\x1b\[[0-9;]*m/g
const READ = 200_000 // characters at the end of a log
const LONGEST = 300 // characters of a program's own words
const ERROR = /^\s*\[?(?:Uncaught )?((?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?: .+)/gm

/** @type {Record<string, string>} kind of a step in the rows */
const KINDS = { check: 'start', switch: 'start', verify: 'start' }

/**
 * Return what is known of a step's log, or null.
 * @param {string} log
 * @param {string} service
 * @param {string} step
 */
function diagnose(log, service, step) {
  const text = log.replace(COLOURS, '').slice(-READ)
  for (const row of ROWS) {
    const found = applies(row, step) && row.pattern.exec(text)
    if (!found) continue
    const part = decoded(found.slice(1).find(Boolean) || '?')
    const told = (/** @type {string} */ sentence) => sentence.replace('$1', () => part).replaceAll('SERVICE', service)
    return { name: row.name, diagnosis: told(row.cause), remedy: told(row.remedy) }
  }
  return null
}

/**
 * @param {import('./known_failures').Row} row
 * @param {string} step
 */
function applies(row, step) {
  return row.step === 'any' || row.step.split(' ').includes(KINDS[step] || step)
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
