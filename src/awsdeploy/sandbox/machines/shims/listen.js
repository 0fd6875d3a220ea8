'use strict'
// Loaded before every Node program on a machine of the sandbox: moves what it listens on, and what it connects to on
// its own 127.0.0.1, so that many machines can stand side by side on one. The program notices nothing.
//
//   listening on every address      → AWSDEPLOY_HOST_ADDRESS, where the load balancer asks
//   listening on 127.0.0.1 alone    → AWSDEPLOY_HOST_LOCAL, where nobody asks but the machine itself; on a port that
//                                     the system gives: as it is, because a native program may be told the port
//   connecting to 127.0.0.1         → AWSDEPLOY_HOST_LOCAL, else AWSDEPLOY_HOST_ADDRESS, else a native program's
//                                     listener that got its port from the system (Turbopack's, for one)
//   connecting to the database      → where its server really is
//
// Where a system has 127.0.0.1 alone, AWSDEPLOY_HOST_PORTS (first:count) are the machine's, and ports are moved instead.
// The ports in the file AWSDEPLOY_HOST_OUTSIDE (AWS itself, the load balancer) are no machine's and stay as they are.
const fs = require('fs')
const net = require('net')
const path = require('path')

const { AWSDEPLOY_HOST: root, AWSDEPLOY_HOST_ADDRESS: open, AWSDEPLOY_HOST_LOCAL: local } = process.env
const { AWSDEPLOY_HOST_PORTS: range, AWSDEPLOY_HOST_OUTSIDE: outside, AWSDEPLOY_HOST_NAMES: names } = process.env
const [first, count] = (range || '0:0').split(':').map(Number)
const EPHEMERAL = 32768 // what the system gives from here on belongs to whoever got it

const isLocal = (host) => /^(localhost|127\.0\.0\.1|::1|\[::1\]|::ffff:127\.0\.0\.1)$/i.test(host)
const isEvery = (host) => !host || host === '0.0.0.0' || host === '::'
const isMoved = (host) => /^127\./.test(host) && !isLocal(host)
const isOurs = (port) => port >= first && port < first + count // a cluster's primary is asked for what has been moved
const isPort = (word) => typeof word === 'number' || (typeof word === 'string' && Number(word) >= 0)

// Node reads it in many ways; what is no TCP port (a socket's path, a descriptor, a handle) is left alone.
function wanted(words) {
  const [what, second, third] = words
  if (what === undefined || what === null || typeof what === 'function') return { port: 0 }
  if (isPort(what)) {
    const backlog = [second, third].find((word) => typeof word === 'number')
    return { port: Number(what), host: typeof second === 'string' ? second : undefined, backlog }
  }
  if (typeof what !== 'object' || what._handle || what.handle || what.path || typeof what.fd === 'number') return null
  return 'port' in what ? { ...what, port: Number(what.port || 0) } : null
}

function listening(options) {
  const { ipv6Only, ...rest } = options
  const inside = isLocal(options.host || '')
  if (isMoved(options.host || '')) return options
  if (!range) return { ...rest, host: inside ? (rest.port ? local : '127.0.0.1') : open }
  if (!rest.port || rest.port >= EPHEMERAL || isOurs(rest.port)) return { ...rest, host: '127.0.0.1' }
  return { ...rest, host: '127.0.0.1', port: slot(inside ? `${rest.port}/local` : `${rest.port}`, true) }
}

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...words) {
  const options = wanted(words)
  if (!options) return listen.apply(this, words)
  const last = words[words.length - 1]
  return listen.call(this, listening(options), ...(typeof last === 'function' ? [last] : []))
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...words) {
  const given = Array.isArray(words[0]) ? words[0] : net._normalizeArgs(words)
  given[0] = connecting(given[0])
  return connect.call(this, given)
}

function connecting(options) {
  const port = Number(options.port)
  const host = options.host || ''
  const known = elsewhere(host, port)
  if (known) return { ...options, ...known }
  if (options.path || !port || !(isEvery(host) || isLocal(host)) || passes(port)) return options
  const { family, hints, localAddress, ...rest } = options
  if (range) {
    if (port >= EPHEMERAL || isOurs(port)) return options
    return { ...rest, host: '127.0.0.1', port: latest(`${port}/local`, `${port}`) }
  }
  const places = [local, open, ...(port >= EPHEMERAL ? ['127.0.0.1'] : [])]
  return { ...rest, host: 'localhost', autoSelectFamily: true, lookup: several(places) }
}

// Node tries one after the other, as it does with a name that has several addresses.
function several(places) {
  const found = places.map((address) => ({ address, family: 4 }))
  return (_name, options, done) => process.nextTick(() => (options.all ? done(null, found) : done(null, local, 4)))
}

// What has a name in AWS and stands on this machine: a line of AWSDEPLOY_HOST_NAMES is `host port address real-port`.
function elsewhere(host, port) {
  if (!/\.amazonaws\.com$/.test(host)) return null
  const found = lines(names).find((line) => line.startsWith(`${host} ${port} `))
  const [, , address, real] = found ? found.split(' ') : []
  return found ? { host: address, port: Number(real) } : null
}

function passes(port) {
  return lines(outside).includes(String(port))
}

function lines(file) {
  try {
    return fs.readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

// Which of two services on one port began to listen last. Each writes a file of its own when it begins: a time on the
// link would be lost when a program that only connects makes the link at the same moment.
function latest(...names) {
  const ports = names.map((name) => slot(name, false))
  const times = ports.map((port) => fs.statSync(began(port), { throwIfNoEntry: false })?.mtimeMs || 0)
  return ports[times[0] > times[1] ? 0 : 1]
}

const began = (port) => path.join(root, 'run', 'ports', `${port}.began`)

// A link in the machine's folder, whose name is the real port and whose target is the service: made by who comes first.
function slot(name, listens) {
  for (let port = first; port < first + count; port++) {
    const link = path.join(root, 'run', 'ports', String(port))
    try {
      fs.symlinkSync(name, link)
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (fs.readlinkSync(link) !== name) continue
    if (listens) fs.writeFileSync(began(port), name)
    return port
  }
  throw new Error('This machine of the sandbox listens on too many ports.')
}
