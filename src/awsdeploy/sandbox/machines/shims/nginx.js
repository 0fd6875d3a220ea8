'use strict'
// In the sandbox: an nginx of one server and one location, which does what the configuration says of `listen`,
// `proxy_pass`, `keepalive_timeout`, `pid` and the logs. What it does not know it reads past; it does not start with a file
// that is no configuration. Knows -v, -t, -q, -c FILE and -s quit|stop|reload.
const fs = require('fs')
const http = require('http')
const { spawn } = require('child_process')

const SIGNALS = { quit: 'SIGQUIT', stop: 'SIGTERM', reload: 'SIGHUP' }
const HOP = ['connection', 'keep-alive', 'proxy-connection', 'upgrade'] // of one connection, not of the request

function fail(said) {
  console.error(`nginx: [emerg] ${said}`)
  process.exit(1)
}

// Blocks as lists of directives: [[name, word, …, block?], …]
function parsed(file) {
  const words = fs.readFileSync(file, 'utf8').match(/#[^\n]*|"[^"]*"|'[^']*'|[{};]|[^\s{};"']+/g) || []
  const top = []
  const open = [top]
  let directive = []
  for (const word of words.filter((one) => !one.startsWith('#'))) {
    const block = open[open.length - 1]
    if (word === ';' || word === '{') {
      if (!directive.length) throw new Error(`unexpected "${word}" in ${file}`)
      block.push(directive)
      if (word === '{') {
        open.push([])
        directive.push(open[open.length - 1])
      }
      directive = []
    } else if (word === '}') {
      if (directive.length || open.length === 1) throw new Error(`unexpected "}" in ${file}`)
      open.pop()
    } else directive.push(word.replace(/^(["'])(.*)\1$/, '$2'))
  }
  if (open.length > 1 || directive.length) throw new Error(`unexpected end of file in ${file}`)
  return top
}

function every(block) {
  return block.flatMap((one) => (Array.isArray(one[one.length - 1]) ? [one, ...every(one[one.length - 1])] : [one]))
}

function settings(file) {
  const all = every(parsed(file))
  const of = (name) => (all.find((one) => one[0] === name) || [])[1]
  const target = /^http:\/\/([^/:]+):(\d+)$/.exec(of('proxy_pass') || '')
  const listen = /^(?:([^:]+):)?(\d+)$/.exec(of('listen') || '')
  if (!all.some((one) => one[0] === 'events')) throw new Error('no "events" section in configuration')
  if (!listen) throw new Error(`no port of the "listen" directive in ${file}`)
  if (!target) throw new Error(`invalid URL prefix in ${file}`)
  return {
    host: listen[1], port: Number(listen[2]), target: { host: target[1], port: Number(target[2]) },
    idle: 1000 * parseInt(of('keepalive_timeout') || '75', 10), pid: of('pid'),
    access: of('access_log'), errors: of('error_log'),
  }
}

function serve(file) {
  let now = settings(file)
  const line = (log, text) => log && fs.appendFileSync(log, `${text}\n`)
  const wrong = (request, error) => line(now.errors, `${new Date().toISOString()} [error] ${request.url}: ${error.message}`)
  const passed = (headers, more) =>
    Object.fromEntries([...Object.entries(headers).filter(([name]) => !HOP.includes(name)), ...Object.entries(more)])
  const asked = (request, more) =>
    http.request({ ...now.target, agent: false, method: request.method, path: request.url, headers: passed(request.headers, more) })
  const log = (request, status) =>
    line(now.access, `${request.headers['x-forwarded-for'] || '-'} "${request.method} ${request.url} HTTP/${request.httpVersion}" ${status}`)

  const server = http.createServer((request, response) => {
    const there = asked(request, { connection: 'close' })
    there.on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, passed(answer.headers, {}))
      answer.on('error', () => response.destroy()).pipe(response)
    })
    there.on('error', (error) => {
      wrong(request, error)
      if (response.headersSent) response.destroy()
      else response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>502 Bad Gateway</h1>')
    })
    response.on('close', () => there.destroy())
    response.on('finish', () => log(request, response.statusCode))
    request.pipe(there)
  })
  server.on('upgrade', (request, socket, head) => {
    const there = asked(request, { connection: 'upgrade', upgrade: request.headers.upgrade })
    const end = () => socket.destroy()
    there.on('upgrade', (answer, other, first) => {
      log(request, 101)
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
      socket.write(first)
      other.write(head)
      socket.pipe(other).on('error', end).on('close', end)
      other.pipe(socket).on('error', () => other.destroy()).on('close', () => other.destroy())
    })
    there.on('response', end).on('error', (error) => (wrong(request, error), end()))
    there.end()
  })
  server.keepAliveTimeout = now.idle
  server.headersTimeout = now.idle + 1000
  server.requestTimeout = 0

  const gone = () => (fs.rmSync(now.pid, { force: true }), process.exit(0))
  process.on('SIGTERM', gone)
  process.on('SIGQUIT', () => {
    server.on('request', (_, response) => (response.shouldKeepAlive = false))
    server.close(gone)
    server.closeIdleConnections()
  })
  process.on('SIGHUP', () => (now = settings(file)))
  server.once('error', (error) => {
    const code = { EADDRINUSE: '98: Address already in use', EACCES: '13: Permission denied' }[error.code] || error.message
    process.send(`bind() to 0.0.0.0:${now.port} failed (${code})`, () => process.exit(1))
  })
  server.listen(now.port, now.host, () => {
    fs.writeFileSync(now.pid, `${process.pid}\n`)
    process.send('', () => process.disconnect())
  })
}

function start(file) {
  const child = spawn(process.execPath, [__filename, '--serve', file], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  child.once('message', (said) => {
    if (said) fail(said)
    child.removeAllListeners('exit')
    child.unref() // it lets go of us itself
  })
  child.once('exit', () => fail('it ended right after its start'))
}

function main(words) {
  const after = (flag) => words[words.indexOf(flag) + 1]
  const file = words.includes('-c') ? after('-c') : '/etc/nginx/nginx.conf'
  if (words[0] === '--serve') return serve(words[1])
  if (words.includes('-v')) return console.error('nginx version: nginx/0 (sandbox)')
  let found
  try {
    found = settings(file)
  } catch (error) {
    fail(error.message)
  }
  if (words.includes('-t')) return words.includes('-q') || console.error(`nginx: configuration file ${file} test is successful`)
  if (!words.includes('-s')) return start(file)
  try {
    process.kill(Number(fs.readFileSync(found.pid, 'utf8')), SIGNALS[after('-s')])
  } catch (error) {
    fail(`invalid PID number in "${found.pid}": ${error.code}`)
  }
}

main(process.argv.slice(2))
