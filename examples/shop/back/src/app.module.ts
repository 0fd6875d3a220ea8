import { Module } from '@nestjs/common';
import { Database } from './database';
import { Draining } from './draining';
import { HealthController } from './health.controller';
import { ItemsController } from './items.controller';
import { UploadsController } from './uploads.controller';

@Module({
  controllers: [HealthController, ItemsController, UploadsController],
  providers: [Database, Draining],
})
export class AppModule {}
