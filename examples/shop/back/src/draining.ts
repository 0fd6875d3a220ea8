import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const SILENCE = 5000; // ms

/**
 * Ends without losing a request. The load balancer keeps its connections, and may be sending on one at this moment:
 * each answer from now on gives its connection back, and only what has been silent since is hung up on.
 */
@Injectable()
export class Draining implements BeforeApplicationShutdown {
  constructor(private readonly host: HttpAdapterHost) {}

  async beforeApplicationShutdown() {
    const server: Server = this.host.httpAdapter.getHttpServer();
    server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'));
    await setTimeout(SILENCE);
    server.closeIdleConnections(); // Node 18 does not when it closes the server
  }
}
