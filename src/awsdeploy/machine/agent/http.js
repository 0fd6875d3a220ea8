// Requests to this machine itself.
// @ts-check
'use strict'
const http = require('http')
const net = require('net')

const LARGEST = 1 << 20 // characters of an answer that are waited for

/** @typedef {{ status: number, location: string, body: string }} Answer */
/** @typedef {{ method?: string, path?: string, headers?: Record<string, string>, timeout: number }} Options timeout in ms */

/**
 * Ask once; an answer is complete within the time limit, or the error says why not (TIMEOUT, ECONNREFUSED …). A `path` is
 * sent as it is.
 * @param {string} url
 * @param {Options} options
 * @returns {Promise<Answer>}
 */
function ask(url, { timeout, ...options }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { ...options, agent: false }, (response) => {
      const { statusCode: status = 0, headers } = response
      let body = ''
      const answer = () => resolve({ status, location: headers.location || '', body })
      response.setEncoding('utf8').on('data', (part) => {
        body += part
        if (body.length < LARGEST) return
        answer()
        request.destroy()
      })
      response.on('end', answer)
      response.on('error', reject)
    })
    const late = () => request.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' }))
    const timer = setTimeout(late, timeout)
    request.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy()
      resolve({ status: statusCode, location: '', body: '' })
    })
    request.on('error', reject)
    request.on('close', () => {
      clearTimeout(timer)
      reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })) // without effect if there was an answer
    })
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
