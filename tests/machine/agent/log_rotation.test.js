// Tests of the timer that rotates the logs.
// @ts-check
'use strict'
const assert = require('assert/strict')
const fs = require('fs')
const test = require('node:test')
const { rotateLogs } = require('../../../src/awsdeploy/machine/agent/log_rotation')
const { settings } = require('../../../src/awsdeploy/machine/agent/settings')
const { folder } = require('./folders')

const TIMER = 'awsdeploy-logrotate.timer'
const SYSTEMCTL = `#!/bin/sh
calls="\${0%/*}/calls"
echo "$*" >>"$calls"
case $1 in
is-enabled) grep -q "^enable .*$3" "$calls" ;;
is-active) grep -q "^start $3" "$calls" ;;
show) [ ! -f "$calls.outdated" ] || echo NeedDaemonReload=yes ;;
esac
`

/**
 * Return settings of a machine in a folder, whose systemctl writes down its calls and answers by them.
 * @param {import('node:test').TestContext} t
 */
function machine(t) {
  const root = folder(t, { 'tools/systemctl': SYSTEMCTL, 'tools/calls': '' })
  fs.chmodSync(`${root}/tools/systemctl`, 0o755)
  const before = process.env.PATH
  process.env.PATH = `${root}/tools:${before}`
  t.after(() => (process.env.PATH = before))
  const told = settings(['restart', 'shop/prod', 'backend', 'r', 'b'], { ROOT: root })
  if (!told) throw new Error('no settings')
  return { told, root, calls: () => fs.readFileSync(`${root}/tools/calls`, 'utf8').trim().split('\n') }
}

test('logs are rotated every hour, by a timer that is started once', (t) => {
  const { told, root, calls } = machine(t)
  rotateLogs(told)
  rotateLogs(told)
  const count = (/** @type {string} */ call) => calls().filter((one) => one === call).length
  for (const call of [`enable --quiet ${TIMER}`, `start ${TIMER}`]) assert.equal(count(call), 1)
  assert.match(fs.readFileSync(`${told.units}/${TIMER}`, 'utf8'), /^OnCalendar=hourly$/m)
  const command = '/usr/sbin/logrotate --state /var/lib/awsdeploy/logrotate.state /etc/awsdeploy/logrotate.conf'
  assert.ok(fs.readFileSync(`${told.units}/awsdeploy-logrotate.service`, 'utf8').includes(`ExecStart=${command}\n`))
  const config = `${root}/etc/awsdeploy/logrotate.conf`
  assert.equal(fs.statSync(config).mode & 0o777, 0o644)
  assert.ok(
    fs
      .readFileSync(config, 'utf8')
      .includes(`${root}/var/log/app/*.log ${root}/home/app/.pm2/pm2.log {\n  su app app\n`),
  )
})

test('a run that was killed right after it wrote a unit is made up for', (t) => {
  const { told, root, calls } = machine(t)
  rotateLogs(told)
  fs.writeFileSync(`${root}/tools/calls`, '')
  fs.writeFileSync(`${root}/tools/calls.outdated`, '')
  rotateLogs(told)
  for (const call of ['daemon-reload', `enable --quiet ${TIMER}`, `start ${TIMER}`]) assert.ok(calls().includes(call))
})
