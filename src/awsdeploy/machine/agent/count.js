// Counts the tables and rows of a database, as the application's user: of a restored one, before it is used.
// @ts-check
'use strict'
const fs = require('fs')
const { fetchCertificates, parameters } = require('./environment')
const { connect } = require('./mysql')
const { Failure } = require('./report')
const { makeFolder } = require('./users')

const TABLES =
  "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
const REMEDY = 'Check its status and its security groups: `awsdeploy status`.'

/** @param {import('./context').Run} run */
async function count(run) {
  const { host, command, databaseCa, work } = run.settings
  run.report.step = command
  makeFolder(work, 0o700)
  const known = await parameters(run, 'database')
  run.report.secrets = [known.DB_PASSWORD || ''].filter(Boolean)
  if (!fs.existsSync(databaseCa)) await fetchCertificates(run)
  const place = {
    host,
    port: Number(known.DB_PORT),
    user: known.DB_USER,
    password: known.DB_PASSWORD,
    database: known.DB_NAME,
    ca: fs.readFileSync(databaseCa, 'utf8'),
  }
  try {
    const found = await counted(place, command === 'rows')
    run.report.say(`@count ${JSON.stringify(found)}`)
  } catch (error) {
    run.report.keep(String(error))
    throw new Failure(`${host} does not answer: ${error instanceof Error ? error.message : error}.`, REMEDY)
  }
}

/**
 * @param {import('./mysql').Place} place
 * @param {boolean} rows
 */
async function counted(place, rows) {
  const connection = await connect(place)
  try {
    const names = (await connection.query(TABLES)).map(([name]) => name)
    let sum = 0
    for (const name of rows ? names : []) {
      const [[number]] = await connection.query(`SELECT COUNT(*) FROM \`${name.replace(/`/g, '``')}\``)
      sum += Number(number)
    }
    return rows ? { tables: names.length, rows: sum } : { tables: names.length }
  } finally {
    connection.close()
  }
}

module.exports = { count }
