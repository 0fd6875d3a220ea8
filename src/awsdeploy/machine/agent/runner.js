// Programs that the agent starts: each in a process group of its own, so that nothing of it outlives a run that is cancelled.
// @ts-check
'use strict'
const fs = require('fs')
const os = require('os')
const path = require('path')
const { spawn, spawnSync } = require('child_process')
const files = require('./files')
const { lines } = require('./lines')

const RESULT = '@result '
const LEFT_OVER = 90 // s that a reload of a killed run may take

/**
 * @typedef {object} Options
 * @property {NodeJS.ProcessEnv} [env] variables beside those of the agent
 * @property {string} [cwd]
 * @property {string | number} [input] text for the standard input, or the descriptor of a file
 * @property {boolean} [finish] a reload: it is never broken off
 * @property {(line: string) => void} [output] gets each line; by default the line is shown and kept
 * @property {string[]} [from] a program whose output is the input
 * @property {number} [third] descriptor of a file that the program gets as its fourth
 * @property {boolean} [unrecorded] the next run need not end it, if this one is killed
 */

class Runner {
  /**
   * @param {import('./report').Report} report
   * @param {import('./cancellation').Cancellation} cancellation
   * @param {string} record file that names the running process group; empty for none
   */
  constructor(report, cancellation, record) {
    this.report = report
    this.cancellation = cancellation
    this.record = record
    this.result = ''
  }

  /**
   * Run a program and return its exit status: 127 if there is none, 128 + N after signal N.
   * @param {string[]} argv
   * @param {Options} [options]
   * @returns {Promise<number>}
   */
  async run(argv, options = {}) {
    this.cancellation.check()
    const source = options.from ? started(options.from, { env: options.env, cwd: options.cwd }) : null
    const child = started(argv, options)
    const all = source ? [source, child] : [child]
    if (!options.unrecorded) this.remember(child.pid, options.finish ? 'wait' : 'kill')
    const kill = () => options.finish || all.forEach((one) => killGroup(one.pid))
    this.cancellation.once('cancel', kill)
    if (source?.stdout && child.stdin) source.stdout.pipe(child.stdin)
    child.on('exit', () => source?.stdout?.destroy()) // else it would wait for a reader
    child.stdin?.on('error', () => {}) // it has ended without reading
    if (typeof options.input === 'string') child.stdin?.end(options.input)
    const take = options.output || ((line) => this.report.relay(line))
    for (const stream of [child.stdout, child.stderr, source?.stderr]) if (stream) lines(stream, take)
    const statuses = await Promise.all(all.map((one) => this.ended(one, take, options)))
    this.cancellation.off('cancel', kill)
    if (this.record && !options.unrecorded) fs.rmSync(this.record, { force: true })
    this.cancellation.check()
    return statuses.reverse().find(Boolean) || 0
  }

  /**
   * Wait until no process has the program's output any more; after a cancellation only for the program.
   * @param {import('child_process').ChildProcess} child
   * @param {(line: string) => void} take
   * @param {Options} options
   * @returns {Promise<number>}
   */
  ended(child, take, options) {
    return new Promise((resolve) => {
      child.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
        take(error.code === 'ENOENT' ? `${child.spawnargs[0]}: not found` : String(error))
        resolve(127)
      })
      const done = (/** @type {number | null} */ code, /** @type {NodeJS.Signals | null} */ signal) =>
        resolve(signal ? 128 + os.constants.signals[signal] : code || 0)
      child.on('close', done)
      const cancelled = () => {
        if (!options.finish && child.exitCode !== null) done(child.exitCode, null)
      }
      this.cancellation.once('cancel', cancelled)
      child.on('close', () => this.cancellation.off('cancel', cancelled))
      child.on('exit', (code, signal) => {
        if (this.cancellation.requested && !options.finish) done(code, signal)
      })
    })
  }

  /**
   * Run a program and return its status and its output; what it says of errors is kept for the step's diagnosis.
   * @param {string[]} argv
   * @param {Options} [options]
   * @returns {Promise<{ status: number, text: string }>}
   */
  async capture(argv, options = {}) {
    this.cancellation.check()
    /** @type {{ status: number, text: string }} */
    const done = await new Promise((resolve) => {
      const child = started(argv, options)
      const kill = () => killGroup(child.pid)
      this.cancellation.once('cancel', kill)
      let text = ''
      child.stdout?.setEncoding('utf8').on('data', (part) => (text += part))
      if (child.stderr) lines(child.stderr, options.output || ((line) => this.report.keep(line)))
      child.on('error', () => resolve({ status: 127, text }))
      child.on('close', (code) => {
        this.cancellation.off('cancel', kill)
        resolve({ status: code ?? 1, text })
      })
    })
    this.cancellation.check()
    return done
  }

  /**
   * Run one of the agent's files as a program (its `main` gets the input), and return its status. Input is not visible to
   * others, as an argument would be.
   * @param {string} name
   * @param {unknown} input
   * @param {(argv: string[]) => string[]} wrap
   * @param {Options} [options]
   */
  program(name, input, wrap, options = {}) {
    this.result = ''
    const show = options.output || ((line) => this.report.relay(line))
    const output = (/** @type {string} */ line) => {
      if (line.startsWith(RESULT)) this.result = line.slice(RESULT.length)
      else show(line)
    }
    return this.run(wrap(['node', '--no-deprecation', '-']), { ...options, output, input: programText(name, input) })
  }

  /**
   * Write down what runs, for the next run; a full disk does not end this one.
   * @param {number | undefined} pid
   * @param {string} ends
   */
  remember(pid, ends) {
    if (!pid || !this.record) return
    try {
      fs.writeFileSync(this.record, `${pid} ${ends} ${new Date().toISOString()}\n`)
    } catch (error) {
      this.report.keep(String(error))
    }
  }

  /** End what a killed run has left: a reload is waited for, anything else is killed. */
  async endLeftOver() {
    const [pid, ends, since] = fs.existsSync(this.record) ? fs.readFileSync(this.record, 'utf8').trim().split(' ') : []
    if (since) {
      const time = Date.parse(since.replace(/_/g, ' '))
      const end = performance.now() + LEFT_OVER * 1000
      while (ends === 'wait' && runsSince(Number(pid), time) && performance.now() < end)
        await this.cancellation.sleep(0.2)
      if (runsSince(Number(pid), time)) killGroup(Number(pid))
    }
    fs.rmSync(this.record, { force: true })
  }
}

/**
 * @param {string[]} argv
 * @param {Options} options
 */
function started(argv, { env, cwd, input, from, third }) {
  const given = typeof input === 'number' ? input : input !== undefined || from ? 'pipe' : 'ignore'
  const [program, ...words] = argv
  return spawn(program, words, {
    cwd,
    env: { ...process.env, ...env },
    stdio: third === undefined ? [given, 'pipe', 'pipe'] : [given, 'pipe', 'pipe', third],
    detached: true,
  })
}

/**
 * Return a program for `node -`: one of the agent's files with its input.
 * @param {string} name
 * @param {unknown} input
 */
function programText(name, input) {
  return `${files['loader.js']}\nmodule.exports(${JSON.stringify(files)}, '${name}').main(${JSON.stringify(input)})\n`
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  if (pid) killProcess(-pid)
}

/** @param {number} pid of a process, or of a group if it is negative */
function killProcess(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/**
 * Tell whether this process runs and began at this time (ms), so that it is not another with the same number.
 * @param {number} pid
 * @param {number} time
 */
function runsSince(pid, time) {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  return Math.abs(Date.parse((stdout || '').trim()) - time) < 3000
}

/**
 * Return the path of a program, or an empty string.
 * @param {string} name
 */
function which(name) {
  for (const folder of (process.env.PATH || '').split(path.delimiter)) {
    const file = path.join(folder || '.', name)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      if (fs.statSync(file).isFile()) return file
    } catch {
      continue
    }
  }
  return ''
}

/**
 * Run a short program and return its exit status.
 * @param {string[]} argv
 */
function quietly(argv) {
  return spawnSync(argv[0], argv.slice(1), { stdio: 'ignore' }).status ?? 127
}

module.exports = { Runner, RESULT, which, quietly, programText, started, killGroup, killProcess }
