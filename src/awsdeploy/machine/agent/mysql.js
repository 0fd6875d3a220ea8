// A client of MySQL for a few questions: TLS always, the two ways of MySQL 8 to prove a password, results as text.
// MySQL, Client/Server Protocol: connection phase, command phase, text protocol.
// @ts-check
'use strict'
const crypto = require('crypto')
const net = require('net')
const tls = require('tls')

const PATIENCE = 20_000 // ms to connect
const UTF8MB4 = 45
const COM_QUERY = 3
const OK = 0x00
const MORE = 0x01
const END = 0xfe
const ERROR = 0xff
const NULL = 0xfb
const FULL_AUTHENTICATION = 4
// CLIENT_LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
const CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x800 | 0x2000 | 0x8000 | 0x80000

/** @typedef {{ host: string, port: number, user: string, password: string, database: string, ca: string }} Place */

class Connection {
  /** @param {import('stream').Duplex} stream */
  constructor(stream) {
    this.sequence = 0
    this.wake = () => {}
    this.take(stream)
  }

  /** Use this stream from now on. @param {import('stream').Duplex} stream */
  take(stream) {
    this.stream = stream
    this.received = Buffer.alloc(0)
    /** @type {Error | null} */
    this.failure = null
    stream.on('data', (/** @type {Buffer} */ data) => {
      this.received = Buffer.concat([this.received, data])
      this.wake()
    })
    const end = (/** @type {Error | undefined} */ error) => {
      this.failure = this.failure || error || new Error('the database closed the connection')
      this.wake()
    }
    stream.on('error', end)
    stream.on('close', () => end(undefined))
  }

  /** @returns {Promise<Buffer>} */
  async read() {
    for (;;) {
      const size = this.received.length < 4 ? Infinity : this.received.readUIntLE(0, 3) + 4
      if (this.received.length >= size) {
        const packet = this.received.subarray(4, size)
        this.sequence = this.received[3] + 1
        this.received = this.received.subarray(size)
        if (packet[0] === ERROR) throw new Error(packet.subarray(9).toString())
        return packet
      }
      if (this.failure) throw this.failure
      await new Promise((resolve) => (this.wake = () => resolve(null)))
    }
  }

  /** @param {Buffer} payload */
  write(payload) {
    const head = Buffer.alloc(4)
    head.writeUIntLE(payload.length, 0, 3)
    head[3] = this.sequence++
    this.stream?.write(Buffer.concat([head, payload]))
  }

  /**
   * Return the rows of a statement, each as texts.
   * @param {string} statement
   * @returns {Promise<string[][]>}
   */
  async query(statement) {
    this.sequence = 0
    this.write(Buffer.concat([Buffer.from([COM_QUERY]), Buffer.from(statement)]))
    const first = await this.read()
    if (first[0] === OK) return []
    while (!isEnd(await this.read())); // the columns
    const rows = []
    for (let packet = await this.read(); !isEnd(packet); packet = await this.read()) rows.push(texts(packet))
    return rows
  }

  close() {
    this.stream?.destroy()
  }
}

/** @param {Buffer} packet */
function isEnd(packet) {
  return packet[0] === END && packet.length < 9
}

/** @param {Buffer} packet */
function texts(packet) {
  const found = []
  for (let at = 0; at < packet.length; ) {
    let size = packet[at++]
    if (size === NULL) size = 0
    else if (size > NULL) {
      const bytes = { 0xfc: 2, 0xfd: 3 }[size] || 6 // lengths of more than 6 bytes do not occur
      size = packet.readUIntLE(at, bytes)
      at += bytes === 6 ? 8 : bytes
    }
    found.push(packet.toString('utf8', at, at + size))
    at += size
  }
  return found
}

/**
 * Connect with TLS, and check that the server has this name. Rejects with MySQL's own words.
 * @param {Place} place
 */
async function connect(place) {
  const { host, port, ca } = place
  const socket = net.connect({ host, port })
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`${host} does not answer`)))
  const connection = new Connection(socket)
  const { salt, plugin } = greeting(await connection.read())
  connection.write(head())
  socket.removeAllListeners('data')
  const secure = tls.connect({ socket, ca: ca || undefined, servername: host })
  connection.take(secure)
  await new Promise((resolve, reject) => {
    secure.once('secureConnect', () => resolve(null))
    secure.once('error', reject)
  })
  socket.setTimeout(0)
  await authenticate(connection, place, plugin, salt)
  return connection
}

/** @param {Buffer} packet */
function greeting(packet) {
  const at = packet.indexOf(0, 1) + 1 + 4 // the version, the connection's number
  const rest = at + 8 + 1 + 2 + 1 + 2 + 2 // first half of the salt, capabilities, character set, status
  const length = Math.max(13, packet[rest] - 8)
  const second = rest + 1 + 10
  const salt = Buffer.concat([packet.subarray(at, at + 8), packet.subarray(second, second + length - 1)])
  return { salt, plugin: packet.toString('utf8', second + length, packet.indexOf(0, second + length)) }
}

function head() {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32LE(CAPABILITIES, 0)
  bytes.writeUInt32LE(1 << 24, 4)
  bytes[8] = UTF8MB4
  return bytes
}

/**
 * @param {Connection} connection
 * @param {Place} place
 * @param {string} plugin
 * @param {Buffer} salt
 */
async function authenticate(connection, { user, password, database }, plugin, salt) {
  const proof = proofOf(plugin, password, salt)
  const ended = (/** @type {string} */ text) => Buffer.from(`${text}\0`)
  const parts = [head(), ended(user), Buffer.from([proof.length]), proof, ended(database), ended(plugin)]
  connection.write(Buffer.concat(parts))
  for (;;) {
    const packet = await connection.read()
    if (packet[0] === OK) return
    if (packet[0] === END) {
      const at = packet.indexOf(0, 1)
      connection.write(proofOf(packet.toString('utf8', 1, at), password, packet.subarray(at + 1, at + 21)))
    } else if (packet[0] === MORE && packet[1] === FULL_AUTHENTICATION) {
      connection.write(ended(password)) // within TLS
    }
  }
}

/**
 * @param {string} plugin
 * @param {string} password
 * @param {Buffer} salt
 */
function proofOf(plugin, password, salt) {
  const native = plugin === 'mysql_native_password'
  if (!native && plugin !== 'caching_sha2_password') throw new Error(`the database asks for ${plugin}`)
  const digest = (/** @type {Buffer[]} */ ...parts) =>
    crypto
      .createHash(native ? 'sha1' : 'sha256')
      .update(Buffer.concat(parts))
      .digest()
  const once = digest(Buffer.from(password))
  const twice = digest(once)
  const mask = native ? digest(salt, twice) : digest(twice, salt)
  return Buffer.from(once.map((byte, place) => byte ^ mask[place]))
}

module.exports = { connect, proofOf, texts }
