// Rotation of the logs of the application and of its releases, by an hourly timer: Amazon Linux 2 rotates by cron, 2023 by a
// timer, both once a day.
// @ts-check
'use strict'
const fs = require('fs')
const path = require('path')
const { enable, start, systemd, writeUnit } = require('./systemd')
const { replaceFile } = require('./write')

const NAME = 'awsdeploy-logrotate'
const CONFIG = '/etc/awsdeploy/logrotate.conf'
const DESCRIPTION = 'Description=Rotate the logs of the application and of its releases'

const SERVICE = `[Unit]
${DESCRIPTION}

[Service]
Type=oneshot
Nice=19
ExecStart=/usr/sbin/logrotate --state /var/lib/awsdeploy/logrotate.state ${CONFIG}
`
const TIMER = `[Unit]
${DESCRIPTION} every hour

[Timer]
OnCalendar=hourly
RandomizedDelaySec=300

[Install]
WantedBy=timers.target
`

/** Write the configuration, and let the timer run. @param {import('./settings').Settings} settings */
function rotateLogs({ root, units }) {
  if (!systemd(root)) return
  const file = `${root}${CONFIG}`
  fs.mkdirSync(path.dirname(file), { recursive: true })
  replaceFile(file, config(root)) // others cannot write it: else logrotate would ignore it
  writeUnit(units, `${NAME}.service`, SERVICE)
  writeUnit(units, `${NAME}.timer`, TIMER)
  enable(`${NAME}.timer`)
  start(`${NAME}.timer`)
}

/**
 * Return the configuration of logrotate. PM2 keeps its logs open for appending, so they are copied and emptied in place: the
 * CloudWatch agent starts again at the beginning of a file that has become shorter, and no copy has a name that it reads.
 * Files in a folder of app's are rotated as app: as root it could be led by a link to any file.
 * @param {string} root
 */
function config(root) {
  const rule = ['size 50M', 'rotate 4', 'copytruncate', 'compress', 'missingok']
  const block = (/** @type {string[]} */ files, /** @type {string[]} */ lines) =>
    `${files.map((one) => `${root}${one}`).join(' ')} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
  return (
    block(['/var/log/app/*.log', '/home/app/.pm2/pm2.log'], ['su app app', ...rule]) +
    block(['/var/log/awsdeploy/*.log', '/var/log/nginx/*.log'], rule)
  )
}

module.exports = { rotateLogs, config }
