// Tests of nginx's configuration and unit.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { config, unit } = require('../../../src/awsdeploy/machine/agent/nginx_config')

test('the configuration has the ports, and the variables of nginx as they are', () => {
  const text = config({ nginxPid: '/run/nginx.pid', nginxLogs: '/var/log/nginx' }, 80, 8080)
  for (const line of [
    'pid "/run/nginx.pid";',
    'error_log "/var/log/nginx/error.log" warn;',
    'listen 80 default_server;',
    'proxy_pass http://127.0.0.1:8080;',
    'proxy_set_header Host $http_host;',
    "log_format sent '$http_x_forwarded_for - [$time_iso8601]",
  ]) {
    assert.ok(text.includes(line), line)
  }
  assert.equal(text.split('{').length, text.split('}').length)
})

test('the unit starts nginx with this configuration', () => {
  const text = unit({ nginxPid: '/run/nginx.pid', nginxConfig: '/etc/nginx/awsdeploy.conf' }, '/usr/sbin/nginx')
  assert.ok(text.includes('ExecStart=/usr/sbin/nginx -c /etc/nginx/awsdeploy.conf\n'))
  assert.ok(text.includes('PIDFile=/run/nginx.pid\n'))
})
