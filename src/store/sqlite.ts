import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { CamelCasePlugin, Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import { migrate } from './migrations.ts';
import type { Database, Schema } from './schema.ts';

/** Kysely speaks the interface of better-sqlite3; this is node:sqlite in it. */
function adapt(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
}

/**
 * The exclusive lock makes this process the only one that has the file open, so two servers can't run on one
 * data directory; the operating system drops it when the process ends, however it ends. An answered request is
 * on disk (synchronous = FULL).
 */
const SETTINGS = `
  PRAGMA busy_timeout = 2000;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA cache_size = -65536;
  PRAGMA wal_autocheckpoint = 4000;
  BEGIN IMMEDIATE; COMMIT;
`;

/** Opens the database, made when absent, with its tables up to date. Throws when another process has it open. */
export async function openSqlite(file: string): Promise<Database> {
  const connection = new DatabaseSync(file);
  try {
    connection.exec(SETTINGS);
  } catch (cause) {
    connection.close();
    const locked = (cause as Error).message.includes('locked');
    throw locked ? new Error(`Another Ocellus server has ${file} open.`, { cause }) : cause;
  }
  const database = new Kysely<Schema>({
    dialect: new SqliteDialect({ database: adapt(connection) }),
    plugins: [new CamelCasePlugin()],
  });
  await migrate(database);
  return database;
}
