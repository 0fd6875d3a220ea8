import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { createPool, type PoolOptions, type QueryResult } from 'mysql2/promise';
import { unavailable } from './unavailable';

export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS items (
    id INT AUTO_INCREMENT PRIMARY KEY,
    title VARCHAR(100) NOT NULL,
    picture VARCHAR(100)
  ) CHARACTER SET utf8mb4`;

export function options(): PoolOptions {
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_SSL_CA } = process.env;
  const ssl = DB_SSL_CA ? { ca: readFileSync(DB_SSL_CA, 'utf8'), verifyIdentity: true } : undefined;
  return { host: DB_HOST, port: Number(DB_PORT ?? 3306), database: DB_NAME, user: DB_USER, password: DB_PASSWORD, ssl };
}

@Injectable()
export class Database implements OnApplicationShutdown {
  // Connects when first asked, so the API starts without a database, and finds it when it comes.
  private readonly pool = createPool({ ...options(), connectTimeout: 2000 });

  async query<T extends QueryResult>(sql: string, values: (string | null)[] = []): Promise<T> {
    try {
      const [result] = await this.pool.execute<T>(sql, values);
      return result;
    } catch (error) {
      const missing = (error as { code?: string }).code === 'ER_NO_SUCH_TABLE';
      throw unavailable(missing ? 'A table is missing: npm run migrate' : 'The database does not answer', error);
    }
  }

  // Runs when the last request has been answered.
  async onApplicationShutdown() {
    await this.pool.end();
  }
}
