import { Controller, Get } from '@nestjs/common';

@Controller('health')
export class HealthController {
  // Does not ask the database: when that is away, replacing this machine would help nobody.
  @Get()
  health() {
    return { status: 'ok', release: process.env.RELEASE_ID ?? 'none' };
  }
}
