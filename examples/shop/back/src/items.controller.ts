import { BadRequestException, Body, Controller, Get, Post } from '@nestjs/common';
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { Database } from './database';
import { isKey } from './uploads.controller';

@Controller('items')
export class ItemsController {
  constructor(private readonly database: Database) {}

  @Get()
  list() {
    return this.database.query<RowDataPacket[]>('SELECT id, title, picture FROM items ORDER BY id DESC LIMIT 50');
  }

  @Post()
  async add(@Body() { title, picture = null }: { title?: unknown; picture?: unknown }) {
    if (typeof title !== 'string' || !title.trim() || title.length > 100) {
      throw new BadRequestException('title: 1 to 100 characters');
    }
    if (picture !== null && !isKey(picture)) {
      throw new BadRequestException('picture: a key that POST /api/uploads has answered');
    }
    const insert = 'INSERT INTO items (title, picture) VALUES (?, ?)';
    const { insertId } = await this.database.query<ResultSetHeader>(insert, [title.trim(), picture]);
    return { id: insertId, title: title.trim(), picture };
  }
}
