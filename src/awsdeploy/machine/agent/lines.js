// The lines that a program writes.
// @ts-check
'use strict'
const { LONGEST } = require('./report')

/**
 * Pass on each line. Of one without end the beginning is passed on, so that it needs no more memory than another.
 * @param {import('stream').Readable} stream
 * @param {(line: string) => void} take
 */
function lines(stream, take) {
  let rest = ''
  let passed = false // the beginning of this line
  const pass = (/** @type {string} */ line) => {
    if (!passed) take(line)
    passed = false
  }
  stream.setEncoding('utf8')
  stream.on('data', (part) => {
    const all = (rest + part).split(/\r\n|\n|\r(?!$)/)
    rest = all.pop() || ''
    all.forEach(pass)
    if (rest.length <= LONGEST) return
    pass(rest)
    passed = true
    rest = ''
  })
  stream.on('end', () => rest && pass(rest.replace(/\r$/, '')))
}

module.exports = { lines }
