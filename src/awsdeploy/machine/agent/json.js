// JSON that others have written.
// @ts-check
'use strict'

/**
 * Parse a text as npm does: it may begin with a byte order mark.
 * @param {string} text
 */
function parseJson(text) {
  return JSON.parse(text.replace(/^\uFEFF/, ''))
}

module.exports = { parseJson }
