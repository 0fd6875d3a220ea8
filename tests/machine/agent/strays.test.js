// Tests of processes that have left PM2.
// @ts-check
'use strict'
const assert = require('assert/strict')
const { spawn } = require('child_process')
const fs = require('fs')
const test = require('node:test')
const { folder } = require('./folders')
const { freePort } = require('../../../src/awsdeploy/machine/agent/http')
const { listening, strays } = require('../../../src/awsdeploy/machine/agent/strays')

const LISTENS = "require('net').createServer().listen(process.argv[1], '127.0.0.1', () => console.log('listening'))"

/**
 * @param {import('node:test').TestContext} t
 * @param {string} cwd
 * @param {number} port
 */
async function started(t, cwd, port) {
  const child = spawn(process.execPath, ['-e', LISTENS, String(port)], { cwd, detached: true })
  t.after(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return Number(child.pid)
}

test('a process of a release that listens and is not below PM2 is found', async (t) => {
  if (!fs.existsSync('/proc/net/tcp')) return t.skip('not Linux')
  const root = folder(t, { 'releases/one/package.json': {}, 'elsewhere/x': '' })
  const port = await freePort()
  const pid = await started(t, `${root}/releases/one`, port)
  assert.deepEqual(strays(`${root}/releases`, port, pid + 1_000_000), [pid])
  assert.deepEqual(strays(`${root}/releases`, port, process.pid), [], 'it is below the daemon')
  assert.deepEqual(strays(`${root}/releases`, port === 1 ? 2 : port - 1, pid + 1_000_000), [], 'another port')
  assert.deepEqual(strays(`${root}/elsewhere`, port, pid + 1_000_000), [], 'another folder')
})

test('only sockets that listen count', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0',
    '   1: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0',
    '   2: 0100007F:0BB9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 79 1 0',
  ].join('\n')
  assert.deepEqual(listening(table, 3000), ['socket:[77]'])
  assert.deepEqual(listening('', 80), [])
})
