// Preload of PM2's daemon. In cluster mode Node.js starts every process by the daemon's own program; with this one a process
// is started by its app's interpreter. So a release can change its Node.js while the daemon goes on listening.
// @ts-check
'use strict'
const cluster = /** @type {any} */ (require('cluster'))
const fs = require('fs')
const path = require('path')

if (cluster.isPrimary) {
  delete process.env.PM2_NODE_OPTIONS // PM2 would give it to every program, whatever language it is in
  process.execArgv.length = 0 // nor is it for the processes of the cluster
  const { execPath } = process
  const { fork } = cluster
  cluster.fork = (/** @type {{ pm2_env?: string } | undefined} */ env) => {
    process.execPath = interpreter(env) || execPath // what child_process.fork starts
    try {
      return fork.call(cluster, env)
    } finally {
      process.execPath = execPath
    }
  }
  try {
    fs.writeFileSync(path.join(process.env.PM2_HOME || '', 'cluster_hook.pid'), String(process.pid))
  } catch {
    // Then the next release restarts the daemon.
  }
}

/** @param {{ pm2_env?: string } | undefined} env what PM2 gives to a process */
function interpreter(env) {
  const { exec_interpreter: program = '' } = JSON.parse(env?.pm2_env || '{}')
  return path.isAbsolute(program) && fs.existsSync(program) ? program : ''
}
