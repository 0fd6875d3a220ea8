import { subscribe } from 'node:diagnostics_channel';

const SILENCE = 5000; // ms

let server;
let ending = false;

// Ends without losing a request. The load balancer keeps its connections, and may be sending on one at this moment:
// each answer from now on gives its connection back, and only what has been silent since is hung up on.
subscribe('http.server.request.start', (request) => {
  server = request.server;
  if (ending) {
    request.response.setHeader('Connection', 'close');
  }
});

function end() {
  ending = true;
  setTimeout(() => {
    if (!server) {
      process.exit(); // nobody has asked for anything
    }
    server.close(() => process.exit());
    server.closeIdleConnections(); // Node 18 does not when it closes the server
  }, SILENCE);
}

process.once('SIGINT', end);
process.once('SIGTERM', end);
