// Requests to this machine itself.
// @ts-check
'use strict'
const http = require('http')
const net = require('net')

/** @typedef {{ status: number, location: string, body: string }} Answer */

/**
 * Ask once; an answer is complete within the time limit, or the error says why not (TIMEOUT, ECONNREFUSED …).
 * @param {string} url
 * @param {{ method?: string, headers?: Record<string, string>, timeout: number }} options timeout in ms
 * @returns {Promise<Answer>}
 */
function ask(url, { method = 'GET', headers, timeout }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part) => (body += part))
      response.on('error', reject)
      response.on('aborted', () => reject(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })))
      const { statusCode: status = 0, headers: told } = response
      response.on('end', () => resolve({ status, location: told.location || '', body }))
    })
    const late = () => request.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' }))
    const timer = setTimeout(late, timeout)
    request.on('error', reject)
    request.on('close', () => clearTimeout(timer))
    request.end()
  })
}

/**
 * Connect once, and close the connection.
 * @param {number} port
 * @param {number} timeout ms
 * @returns {Promise<void>}
 */
function connect(port, timeout) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.setTimeout(timeout, () => socket.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })))
    socket.on('error', reject)
  })
}

/**
 * Return a port that is free now.
 * @returns {Promise<number>}
 */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}

/**
 * Tell whether nobody has this port.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)))
  })
}

module.exports = { ask, connect, freePort, isFree }
