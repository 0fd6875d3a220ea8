// nginx's configuration and unit. An answer is what it would be without nginx: the application's own limits, compression,
// streams and addresses.
// @ts-check
'use strict'

/**
 * @param {{ nginxPid: string, nginxLogs: string }} settings
 * @param {number} port the service's
 * @param {number} behind where the program listens
 */
function config({ nginxPid, nginxLogs }, port, behind) {
  return `# Written by a release; what is changed here is gone with the next.
worker_processes auto;
worker_rlimit_nofile 65536;
# A connection that never ends (a WebSocket) holds an old worker no longer than this.
worker_shutdown_timeout 30s;
pid "${nginxPid}";
error_log "${nginxLogs}/error.log" warn;

events {
  worker_connections 8192;
}

http {
  # The load balancer's address says nothing: the sender's is in X-Forwarded-For.
  log_format sent '$http_x_forwarded_for - [$time_iso8601] "$request" $status $body_bytes_sent '
                  '"$http_referer" "$http_user_agent" $request_time';
  access_log "${nginxLogs}/access.log" sent;
  server_tokens off;

  # Longer than the load balancer's idle timeout (60 s), which would else send on a connection that is being closed.
  keepalive_timeout 75s;
  # How large an upload may be is the application's to say; it goes straight through, not by way of the disk.
  client_max_body_size 0;
  # As large as the load balancer lets through.
  large_client_header_buffers 4 16k;
  # Next.js compresses itself, and what is compressed twice only costs time.
  gzip off;

  map $http_upgrade $hop {
    default upgrade;
    '' close;
  }

  server {
    listen ${port} default_server;

    location / {
      # No connection to the application is kept: one that a reloading process closes would lose a request.
      proxy_pass http://127.0.0.1:${behind};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $hop;
      # X-Forwarded-* pass as the load balancer has set them: the application still trusts one proxy, and no more.
      proxy_redirect off;
      proxy_request_buffering off;
      # An answer is sent while it is being written (streams, server-sent events).
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 4 32k;
      # The load balancer gives up first.
      proxy_connect_timeout 5s;
      proxy_read_timeout 120s;
      proxy_send_timeout 120s;
    }
  }
}
`
}

/**
 * Return a unit of our own; the package's unit and configuration stay unchanged and unused.
 * @param {{ nginxPid: string, nginxConfig: string }} settings
 * @param {string} program path of nginx
 */
function unit({ nginxPid, nginxConfig }, program) {
  return `[Unit]
Description=nginx before the application
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
PIDFile=${nginxPid}
LimitNOFILE=65536
Restart=on-failure
ExecStart=${program} -c ${nginxConfig}
ExecReload=${program} -s reload -c ${nginxConfig}
KillSignal=SIGQUIT
KillMode=mixed
TimeoutStopSec=5

[Install]
WantedBy=multi-user.target
`
}

module.exports = { config, unit }
