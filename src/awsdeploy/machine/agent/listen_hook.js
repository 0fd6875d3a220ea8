// Loaded into a candidate before its program. It says on which addresses the program listens, and moves one that names the
// real port itself to the candidate's, so that it gets no requests before it has been tested; one that names nginx's port
// is moved out of the way. In cluster mode PM2 loses the last words of a process that ends: here they are written at once. And
// it keeps a process whose start has failed with a rejected promise, where Node.js ends it: here it ends too.
// @ts-check
'use strict'
const fs = require('fs')
const net = require('net')
const { pathToFileURL } = require('url')

const IDLE = 500 // ms

let listening = false
const listen = net.Server.prototype.listen
/** @param {any[]} args */
net.Server.prototype.listen = function (...args) {
  const { AWSDEPLOY_LISTENS: file, AWSDEPLOY_REAL_PORT: real, AWSDEPLOY_NGINX_PORT: taken, PORT: port } = process.env // PM2 sets them late
  const first = args[0]
  this.once('listening', () => (listening = true))
  const object = first && typeof first === 'object' && 'port' in first
  const asked = object ? first.port : /^\d+$/.test(String(first)) ? Number(first) : undefined
  if (asked !== undefined && file) {
    const host = object ? first.host : typeof args[1] === 'string' ? args[1] : undefined
    const moved = String(asked) === real ? Number(port) : String(asked) === taken ? 0 : asked
    args[0] = object ? { ...first, port: moved } : moved
    this.once('listening', () => fs.appendFileSync(file, `${moved || asked} ${host || '*'}\n`))
  }
  return listen.apply(this, /** @type {any} */ (args))
}

const createWriteStream = fs.createWriteStream
/** @type {any} */ fs.createWriteStream = function (/** @type {[any, any]} */ ...args) {
  const stream = createWriteStream.apply(this, args)
  if (args[0] === process.env.AWSDEPLOY_LOG) {
    stream.write = (/** @type {any} */ text, /** @type {any[]} */ ...more) => {
      fs.appendFileSync(args[0], text)
      const done = more.pop()
      if (typeof done === 'function') process.nextTick(done)
      return true
    }
  }
  return stream
}

/** Another handler than PM2's means that the program decides itself. @param {unknown} reason */
function rejected(reason) {
  const all = process.listeners('unhandledRejection')
  if (all.some((one) => one !== rejected && one.name !== 'uncaughtListener')) return
  setInterval(endIfIdle, IDLE).unref()
  const main = process.env.pm_exec_path || ''
  if (require.cache[main]) return
  // A module runs once: imported again it fails with the same error, if it is this one that failed.
  import(pathToFileURL(main).href).catch((error) => error === reason && !listening && process.exit(1))
}

/** End a process that can do nothing any more: only the pipe to PM2 keeps it. */
function endIfIdle() {
  const active = /** @type {any} */ (process).getActiveResourcesInfo().join()
  if (!listening && active === 'PipeWrap') process.exit(1)
}

process.on('unhandledRejection', rejected)
