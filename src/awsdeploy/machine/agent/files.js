// The texts of the agent's files. On a machine the loader has them already; in the source folder they are read.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')

const names = fs.readdirSync(__dirname).filter((name) => name.endsWith('.js'))

/** @type {Record<string, string>} */
module.exports = Object.fromEntries(names.map((name) => [name, fs.readFileSync(path.join(__dirname, name), 'utf8')]))
