// Tests of the health check, against servers that answer as programs do.
// @ts-check
'use strict'
const assert = require('assert/strict')
const http = require('http')
const test = require('node:test')
const { freePort } = require('../../../src/awsdeploy/machine/agent/http')
const {
  answers,
  certain,
  isHealthy,
  listening,
  reachable,
  seen,
} = require('../../../src/awsdeploy/machine/agent/health')

/**
 * @param {import('node:test').TestContext} t
 * @param {http.RequestListener} listener
 */
async function serving(t, listener) {
  const server = http.createServer(listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)))
  t.after(() => server.close())
  return /** @type {import('net').AddressInfo} */ (server.address()).port
}

/** @type {import('../../../src/awsdeploy/machine/agent/health').Check} */
const CHECK = { health: '/health', health_status: '200-399', health_protocol: 'http' }

/**
 * @param {number} port
 * @param {Partial<typeof CHECK>} [check]
 * @param {(() => Promise<boolean>) | null} [runs]
 */
function asked(port, check = {}, runs = null) {
  return answers({ port, check: { ...CHECK, ...check }, patience: 0.2, sleep: async () => {}, runs })
}

/** @type {[name: string, path: string, listener: http.RequestListener, kind: string, detail: RegExp][]} */
const CASES = [
  ['200', '/health', (_, response) => response.end(), 'ok', /^$/],
  [
    'a redirect elsewhere',
    '/health',
    (_, response) => response.writeHead(302, { location: '/x?a' }).end(),
    'loop',
    /x/,
  ],
  [
    'a redirect to another host',
    '/health',
    (_, response) => response.writeHead(302, { location: 'http://x/' }).end(),
    'ok',
    /^$/,
  ],
  ['404', '/health', (_, response) => response.writeHead(404).end(), 'status', /404/],
  ['500', '/health', (_, response) => response.writeHead(500).end(), 'status', /500/],
  [
    'without the prefix',
    '/api/health',
    ({ url }, response) => response.writeHead(url === '/health' ? 200 : 404).end(),
    'prefix',
    /^\/health$/,
  ],
  ['a connection that is closed', '/health', (request) => request.socket.destroy(), 'silent', /ECONNRESET/],
  ['401', '/health', (_, response) => response.writeHead(401).end(), 'status', /401/],
  [
    'the path and the query as they are',
    '/a/../health?x=/b%zz#c',
    ({ url }, response) => response.writeHead(url === '/a/../health?x=/b%zz#c' ? 200 : 404).end(),
    'ok',
    /^$/,
  ],
  [
    '404 with a query that looks like a prefix',
    '/?next=/health',
    ({ url }, response) => response.writeHead(url === '/health' ? 200 : 404).end(),
    'status',
    /404/,
  ],
  [
    'a redirect to no address',
    '/health',
    (_, response) => response.writeHead(302, { location: 'http://' }).end(),
    'ok',
    /^$/,
  ],
  [
    'an answer that never ends, quickly',
    '/health',
    (_, response) => {
      const more = () => response.write('x'.repeat(1 << 16), () => setImmediate(more))
      more()
    },
    'ok',
    /^$/,
  ],
  [
    'an upgrade that nobody asked for',
    '/health',
    ({ socket }) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    'status',
    /101/,
  ],
  ['another protocol', '/health', ({ socket }) => socket.end('SSH-2.0-x\r\n'), 'silent', /^HPE_/],
]

for (const [name, path, listener, kind, detail] of CASES) {
  test(`${name}: ${kind}`, async (t) => {
    const verdict = await asked(await serving(t, listener), { health: path })
    assert.equal(verdict.kind, kind)
    assert.match(verdict.detail || '', detail)
  })
}

test('a redirect to https is healthy for those who came by http', async (t) => {
  const port = await serving(t, ({ headers }, response) => {
    const secure = headers['x-forwarded-proto'] === 'https'
    response.writeHead(secure ? 200 : 302, { location: `https://${headers.host}/health` }).end()
  })
  assert.deepEqual(await asked(port), { kind: 'ok' })
})

test('nothing listens', async () => {
  assert.deepEqual(await asked(await freePort()), { kind: 'silent', detail: 'ECONNREFUSED' })
})

test('a program that ended is not waited for', async () => {
  assert.deepEqual(await asked(await freePort(), {}, async () => false), { kind: 'ended' })
})

test('a service says which answers are healthy', async (t) => {
  const port = await serving(t, (_, response) => response.writeHead(404).end())
  assert.deepEqual(await asked(port, { health_status: '200-499' }), { kind: 'ok' })
  assert.deepEqual(await asked(port, { health_status: '200,404' }), { kind: 'ok' })
  assert.equal((await asked(port, { health_status: '200-403' })).kind, 'status')
  assert.equal(isHealthy(302, '200'), false)
  assert.equal(isHealthy(201, '200-299,404'), true)
})

test('with tcp a port that accepts connections is healthy', async (t) => {
  const port = await serving(t, (request) => request.socket.destroy())
  assert.deepEqual(await asked(port, { health_protocol: 'tcp' }), { kind: 'ok' })
  assert.equal((await asked(await freePort(), { health_protocol: 'tcp' })).kind, 'silent')
})

const ABOUT = { path: '/h', codes: '200-399', patience: 6, elsewhere: '', addresses: [], nginx: null, words: '' }

test('each verdict has a sentence', () => {
  const said = (/** @type {any} */ verdict, about = {}) => seen(verdict, { ...ABOUT, ...about })[0]
  assert.equal(said({ kind: 'status', detail: '404' }), 'The health path /h answers 404.')
  assert.equal(said({ kind: 'status', detail: '503' }), 'The health path /h answers 503.')
  assert.equal(said({ kind: 'ended' }), 'The program ended right after it was started.')
  assert.equal(said({ kind: 'silent', detail: 'timeout' }), 'The health path /h did not answer within 5 s.')
  const silent = { kind: 'silent', detail: 'ECONNREFUSED' }
  assert.equal(said(silent), 'Nothing listens on the port in PORT after 6 s.')
  assert.match(said({ kind: 'silent', detail: 'ECONNRESET' }), /accepts connections .* but does not answer with HTTP/)
  assert.match(said({ kind: 'silent', detail: 'HPE_INVALID_CONSTANT' }), /but does not answer with HTTP/)
  assert.equal(said(silent, { addresses: ['::1'] }), 'The program listens on ::1 only, not on every address.')
  for (const address of ['*', '::', '0.0.0.0', '0:0:0:0:0:0:0:0'])
    assert.match(said(silent, { addresses: [address] }), /^Nothing listens/)
  assert.match(said(silent, { elsewhere: '3001' }), /the program listens on 3001\.$/)
  const words = 'Error: a sad story.'
  assert.equal(said({ kind: 'ended' }, { words }), `The program ended right after it was started: ${words}`)
  assert.match(
    said(silent, { words }),
    /^Nothing listens on the port in PORT after 6 s\. The program reported: Error: a sad/,
  )
  assert.equal(said(silent, { elsewhere: '80', nginx: 80 }), 'The program listens on 80, the port of nginx.')
})

test('two verdicts are certain whatever the program said', () => {
  assert.match(certain({ kind: 'prefix', detail: '/health' }, '/api/health')?.[0] || '', /the prefix is missing\.$/)
  assert.match(
    certain({ kind: 'loop', detail: 'http://x/h' }, '/h')?.[0] || '',
    /redirects to itself \(http:\/\/x\/h\)/,
  )
  assert.equal(certain({ kind: 'ended' }, '/h'), null)
})

test('only a program on 127.0.0.1 alone is out of reach', () => {
  assert.equal(reachable(listening('5000 127.0.0.1\n'), 5000), false)
  for (const address of ['localhost', '::1', '127.0.0.2', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])
    assert.equal(reachable(listening(`5000 ${address}\n`), 5000), false, address)
  for (const address of ['*', '::', '0.0.0.0', '10.0.0.1', '2001:db8::1'])
    assert.equal(reachable(listening(`5000 ${address}\n`), 5000), true, address)
  assert.equal(reachable(listening('5000 127.0.0.1\n5000 *\n'), 5000), true)
  assert.equal(reachable(listening('5001 ::1\n'), 5000), true)
  assert.equal(reachable(listening(''), 5000), true)
  assert.deepEqual(listening('x y\n80 *\n'), [{ port: '80', address: '*' }])
})
