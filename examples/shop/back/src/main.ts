import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module';

async function main() {
  const app = await NestFactory.create<NestExpressApplication>(AppModule);

  // The load balancer passes /api/… on as it came.
  app.setGlobalPrefix('api');
  // One proxy stands in front; without this, req.ip and req.protocol are the proxy's own.
  app.set('trust proxy', 1);
  // An upload's body is the picture itself.
  app.useBodyParser('raw', { type: 'image/*', limit: '5mb' });
  // SIGTERM, and SIGINT from PM2, end in order: see draining.ts and database.ts.
  app.enableShutdownHooks();

  // The load balancer keeps idle connections for 60 s. Who hangs up first loses the request that is on its way.
  const server = app.getHttpServer();
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 66_000;

  await app.listen(process.env.PORT ?? 9999);
  // PM2 waits for this before it lets the old process go (wait_ready).
  process.send?.('ready');
}

void main();
