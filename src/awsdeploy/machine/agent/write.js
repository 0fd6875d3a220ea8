// Files that a full disk or a power failure must not leave half-written.
// @ts-check
'use strict'
const fs = require('fs')

/**
 * Replace a file: it has the old text or the new one, whatever happens.
 * @param {string} file
 * @param {string} text
 */
function replaceFile(file, text) {
  writeNew(`${file}.new`, text, 'w', 0o644)
  fs.renameSync(`${file}.new`, file)
}

/**
 * Write a file that only its user can read.
 * @param {string} file
 * @param {string} text
 */
function writePrivate(file, text) {
  fs.rmSync(file, { force: true })
  writeNew(file, text, 'wx', 0o600)
}

/**
 * @param {string} file
 * @param {string} text
 * @param {string} flag
 * @param {number} mode
 */
function writeNew(file, text, flag, mode) {
  const descriptor = fs.openSync(file, flag, mode)
  try {
    fs.writeFileSync(descriptor, text)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

module.exports = { replaceFile, writePrivate }
