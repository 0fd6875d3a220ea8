// A run that is cancelled by a signal or an unexpected error: programs are ended, waits are cut short, and the run fails.
// @ts-check
'use strict'
const { EventEmitter } = require('events')
const { setTimeout } = require('timers/promises')
const { Failure } = require('./report')

class Cancelled extends Failure {}

class Cancellation extends EventEmitter {
  /** @param {Cancelled} failure what a cancelled run ends with */
  constructor(failure) {
    super()
    /** @type {Error} */
    this.failure = failure
    this.requested = false
    this.ended = false
    this.setMaxListeners(50)
  }

  listen() {
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => this.cancel())
    for (const signal of /** @type {const} */ (['SIGHUP', 'SIGPIPE'])) process.on(signal, () => {})
    process.on('uncaughtException', (error) => this.cancel(error)) // in a callback, where no step can catch it
  }

  /** @param {Error} [failure] what the run ends with instead */
  cancel(failure) {
    if (this.requested || this.ended) return
    this.requested = true
    if (failure) this.failure = failure
    this.emit('cancel')
  }

  /** From now on nothing is cancelled: the release runs, or the run cleans up. */
  end() {
    this.ended = true
    this.requested = false
  }

  check() {
    if (this.requested) throw this.failure
  }

  /** Wait, or fail as soon as the run is cancelled. @param {number} seconds */
  async sleep(seconds) {
    this.check()
    const waiting = new AbortController()
    const cancelled = () => waiting.abort()
    this.once('cancel', cancelled)
    await setTimeout(seconds * 1000, null, { signal: waiting.signal }).catch(() => {})
    this.off('cancel', cancelled)
    this.check()
  }
}

module.exports = { Cancellation, Cancelled }
