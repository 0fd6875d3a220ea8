// Which library of a service connects to the database.
// @ts-check
'use strict'
const fs = require('fs')
const { parseJson } = require('./json')

/**
 * Return which library reads the database's certificates from an address, and how: prisma, mysql2, or none.
 * @param {string} at the service's folder
 */
function databaseLibrary(at) {
  let own
  try {
    own = parseJson(fs.readFileSync(`${at}/package.json`, 'utf8')) || {}
  } catch {
    return ''
  }
  const all = { ...own.dependencies, ...own.devDependencies }
  const has = (/** @type {string[]} */ ...names) => names.some((name) => all[name])
  if (has('prisma', '@prisma/client')) return 'prisma'
  return has('mysql2', 'mysql') && !has('sequelize') ? 'mysql2' : ''
}

module.exports = { databaseLibrary }
