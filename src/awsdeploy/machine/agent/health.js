// Health of a program: asks as the load balancer does until it answers, and says why it does not.
// @ts-check
'use strict'
const { ask, connect } = require('./http')

const EACH = 5000 // ms that one answer may take
const PAUSE = 0.3 // s
const HEADERS = { 'user-agent': 'ELB-HealthChecker/2.0', 'connection': 'close' }
const EVERY = /^(\*|0\.0\.0\.0|(0*:)+0*)$/ // addresses of a program that listens on all
const LOOPBACK = /^(localhost|(::ffff:)?127\.[\d.]+|(0*:)+0*1)$/i
const LISTEN = 'Listen on every address: leave out the host, or use 0.0.0.0.'
const BY_HTTPS = { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' }

/**
 * @typedef {object} Check what is healthy, in the manifest
 * @property {string} health path
 * @property {string} health_status codes: "200-399", "200,404"
 * @property {'http' | 'tcp'} health_protocol
 */

/**
 * @typedef {object} Verdict
 * @property {'ok' | 'loop' | 'status' | 'prefix' | 'silent' | 'ended'} kind
 * @property {string} [detail] address of a loop, status, path that answers, or what went wrong
 */

/**
 * Ask until the health path answers, for as long as a program may take. One that answers with errors has less time.
 * @param {object} options
 * @param {number} options.port
 * @param {Check} options.check
 * @param {number} options.patience s
 * @param {(seconds: number) => Promise<void>} options.sleep
 * @param {(() => Promise<boolean>) | null} options.runs tells whether the program still runs; null if that is not asked
 * @returns {Promise<Verdict>}
 */
async function answers({ port, check, patience, sleep, runs }) {
  const began = performance.now()
  const passed = () => (performance.now() - began) / 1000
  let wrong = 0
  for (let turn = 0; ; turn++) {
    const verdict = await probe(port, check)
    if (verdict.kind === 'ok') return verdict
    if (verdict.kind !== 'silent') wrong ||= passed()
    if (runs && turn % 3 === 2 && !(await runs())) return { kind: 'ended' }
    if (passed() > patience || (wrong && passed() - wrong > patience / 4)) return verdict
    await sleep(PAUSE)
  }
}

/**
 * @param {number} port
 * @param {Check} check
 * @returns {Promise<Verdict>}
 */
async function probe(port, check) {
  try {
    if (check.health_protocol !== 'tcp') return await probeHttp(`http://127.0.0.1:${port}`, check)
    await connect(port, EACH)
    return { kind: 'ok' }
  } catch (error) {
    const { code, name } = /** @type {NodeJS.ErrnoException} */ (error)
    return { kind: 'silent', detail: code === 'TIMEOUT' ? 'timeout' : code || name }
  }
}

/**
 * Ask once. A redirect that counts as healthy must not lead to itself.
 * @param {string} base
 * @param {Check} check
 * @returns {Promise<Verdict>}
 */
async function probeHttp(base, { health: path, health_status }) {
  const { status } = await get(base, path)
  if (isHealthy(status, health_status)) {
    const loop = status > 299 && status < 400 ? await around(base, path) : ''
    return loop ? { kind: 'loop', detail: loop } : { kind: 'ok' }
  }
  const bare = path.replace(/^\/[^/?]*\/?/, '/')
  const prefix = status === 404 && bare !== path && (await statusOf(base, bare)) === 200
  return prefix ? { kind: 'prefix', detail: bare } : { kind: 'status', detail: String(status) }
}

/**
 * Tell whether a status is one of these codes.
 * @param {number} status
 * @param {string} codes
 */
function isHealthy(status, codes) {
  const ranges = codes.split(',').map((range) => range.split('-').map(Number))
  return ranges.some(([first, last = first]) => status >= first && status <= last)
}

/**
 * @param {string} base
 * @param {string} path
 * @param {Record<string, string>} [more]
 */
function get(base, path, more) {
  return ask(base, { path, headers: { ...HEADERS, ...more }, timeout: EACH })
}

/**
 * @param {string} base
 * @param {string} path
 */
async function statusOf(base, path) {
  return (await get(base, path).catch(() => ({ status: 0 }))).status
}

/**
 * Follow redirects as a browser that came by https does, and return the address at which they go round, or nothing.
 * @param {string} base
 * @param {string} path
 */
async function around(base, path) {
  const seen = new Set()
  let url = base + path
  for (let hop = 0; hop < 10; hop++) {
    const there = new URL(url)
    if (there.host !== new URL(base).host) return ''
    const key = there.pathname + there.search
    if (seen.has(key)) return there.href
    seen.add(key)
    const { status, location } = await get(base, key, BY_HTTPS)
    if (status < 300 || status > 399 || !URL.canParse(location, base + key)) return ''
    url = new URL(location, base + key).href
  }
  return url
}

/**
 * @typedef {object} About what is known of a program that is not healthy
 * @property {string} path
 * @property {string} codes that are healthy
 * @property {number} patience
 * @property {string} elsewhere another port on which it listens, or nothing
 * @property {string[]} addresses on which it listens with the right port
 * @property {number | null} nginx nginx's port
 * @property {string} words the error that it reported, or nothing
 */

/**
 * Return what is certain whatever the program said itself, or null.
 * @param {Verdict} verdict
 * @param {string} path
 * @returns {[diagnosis: string, remedy: string] | null}
 */
function certain({ kind, detail }, path) {
  if (kind === 'prefix') {
    return [
      `The health path ${path} answers 404, but ${detail} answers: the prefix is missing.`,
      "The load balancer does not remove the prefix: use app.setGlobalPrefix('api') in NestJS, or set the service's health path.",
    ]
  }
  if (kind !== 'loop') return null
  return [
    `The health path ${path} redirects to itself (${detail}) although the request came by https.`,
    'Trust X-Forwarded-Proto (trust proxy: 1), or redirect only at the load balancer.',
  ]
}

/**
 * Return what is seen from outside.
 * @param {Verdict} verdict
 * @param {About} about
 * @returns {[diagnosis: string, remedy: string]}
 */
function seen({ kind, detail }, { path, codes, patience, elsewhere, addresses, nginx, words }) {
  if (kind === 'status' && detail === '404') {
    return [
      `The health path ${path} answers 404.`,
      "Answer it with 200, or set the service's health path in the config.",
    ]
  }
  if (kind === 'status') {
    return [
      `The health path ${path} answers ${detail}.`,
      `See the program's output above. The answer must be ${codes.replace(/-/g, ' to ').replace(/,/g, ', ')}.`,
    ]
  }
  if (kind === 'ended') {
    const remedy = 'See its output above. Start it on your computer with the same variables.'
    return [`The program ended right after it was started${words ? `: ${words}` : '.'}`, remedy]
  }
  if (kind === 'silent' && detail === 'timeout') {
    return [
      `The health path ${path} did not answer within 5 s.`,
      'Answer it without asking the database or another service.',
    ]
  }
  if (detail !== 'ECONNREFUSED') {
    return [
      `The program accepts connections on the port in PORT, but does not answer with HTTP (${detail}).`,
      'It must answer plain HTTP, not HTTPS: the load balancer has the certificate.',
    ]
  }
  if (addresses.length && !addresses.some((one) => EVERY.test(one))) {
    return [`The program listens on ${addresses.join(' and ')} only, not on every address.`, LISTEN]
  }
  if (elsewhere && elsewhere === String(nginx)) {
    const remedy = `Make it listen on process.env.PORT: nginx forwards requests from ${elsewhere}.`
    return [`The program listens on ${elsewhere}, the port of nginx.`, remedy]
  }
  if (elsewhere) {
    const remedy = `Make it listen on process.env.PORT, or set the service's port to ${elsewhere}.`
    return [`Nothing listens on the port in PORT; the program listens on ${elsewhere}.`, remedy]
  }
  return [
    `Nothing listens on the port in PORT after ${patience} s.${words ? ` The program reported: ${words}` : ''}`,
    'Make the program listen on process.env.PORT before it waits for anything else.',
  ]
}

/**
 * Return the ports and addresses on which a candidate listens.
 * @param {string} text a line for each: port, address
 */
function listening(text) {
  const pairs = text.split('\n').map((line) => line.split(' '))
  return pairs.filter(([port]) => /^\d+$/.test(port)).map(([port, address]) => ({ port, address }))
}

/**
 * Tell whether the load balancer could reach a candidate: not one that listens on 127.0.0.1 alone.
 * @param {{ port: string, address: string }[]} all
 * @param {number} port
 */
function reachable(all, port) {
  const mine = all.filter((one) => one.port === String(port))
  return !mine.length || mine.some((one) => !LOOPBACK.test(one.address))
}

module.exports = { LISTEN, answers, certain, isHealthy, seen, listening, reachable }
