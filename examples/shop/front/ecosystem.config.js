module.exports = {
  apps: [
    {
      name: 'nextjs-front',
      // Next.js itself, not npm: only a Node script can be reloaded without a gap (cluster mode).
      script: 'node_modules/next/dist/bin/next',
      // The load balancer keeps idle connections for 60 s. Who hangs up first loses the request that is on its way.
      args: 'start --keepAliveTimeout 65000',
      exec_mode: 'cluster',
      instances: 1,
      listen_timeout: 30000,
      // Longer than the longest request.
      kill_timeout: 30000,
      // Once a file names an environment, a reload forgets the shell's (RELEASE_ID): so that is named too.
      // MANUAL_SIG_HANDLE: Next.js would hang up on every idle connection at once; draining.js knows better.
      env: { ...process.env, NEXT_MANUAL_SIG_HANDLE: '1', NEXT_TELEMETRY_DISABLED: '1' },
    },
  ],
};
