// Folders that tests fill with files, and that are removed when a test ends.
// @ts-check
'use strict'
const fs = require('fs')
const os = require('os')
const path = require('path')

/**
 * Make a folder with these files.
 * @param {import('node:test').TestContext} t
 * @param {Record<string, unknown>} files path → content; what is not a text is written as JSON
 */
function folder(t, files = {}) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'agent-'))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(made, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return made
}

module.exports = { folder }
