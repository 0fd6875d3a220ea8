// The table of known failures in docs/troubleshooting.md. Started as a program it writes it there; a test compares it.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { ROWS } = require('../../../src/awsdeploy/machine/agent/known_failures')

const DOCUMENT = path.join(__dirname, '../../../docs/troubleshooting.md')
const PART = /(## Releases that fail\n[^]*?\n\n)(\|[^]*?\n)(\n## )/

/** @returns {string} */
function table() {
  const lines = ROWS.map(({ step, symptom, cause, remedy }) => {
    const code = symptom.includes('`') ? `\`\` ${symptom} \`\`` : `\`${symptom}\``
    const steps = step.replace('start', 'check, switch, verify').replace(/ (?=install|build|migrate|check)/g, ', ')
    const cells = [code, steps.replace(/,+/g, ','), cause.replace(/\$1\.?$|\$1/, '…'), remedy.replace('$1', '…')]
    return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`
  })
  return ['| the output says | step | reason | remedy |', '|---|---|---|---|', ...lines, ''].join('\n')
}

/** Return the table that the document has, or nothing. */
function written() {
  return (PART.exec(fs.readFileSync(DOCUMENT, 'utf8')) || [])[2]
}

function write() {
  const text = fs.readFileSync(DOCUMENT, 'utf8')
  fs.writeFileSync(
    DOCUMENT,
    text.replace(PART, (_, before, __, after) => before + table() + after),
  )
}

if (require.main === module) write()

module.exports = { table, written }
