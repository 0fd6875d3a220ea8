module.exports = {
  apps: [
    {
      name: 'nestjs-api',
      script: 'dist/main.js',
      // Cluster mode reloads without a gap: the old process goes when the new one has said that it is ready.
      exec_mode: 'cluster',
      instances: 1,
      wait_ready: true,
      listen_timeout: 30000,
      // Longer than the longest request.
      kill_timeout: 30000,
    },
  ],
};
