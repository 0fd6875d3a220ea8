import { createConnection } from 'mysql2/promise';
import { options, SCHEMA } from './database';

async function migrate() {
  const connection = await createConnection({ ...options(), connectTimeout: 10_000 });
  await connection.query(SCHEMA);
  await connection.end();
}

void migrate();
