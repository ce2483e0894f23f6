import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** What is kept of a version of an object besides its bytes. */
export interface Row {
  /** Grows with every write: of a key's rows the one with the largest is the newest. */
  seq: number;
  /** Name of the file of its bytes, when that isn't the key's own; also the version id, unless that is "null". */
  id: string;
  key: string;
  /** The version that buckets without versions have one of. */
  nullVersion: boolean;
  /** A delete marker: no bytes. */
  marker: boolean;
  /** Tells whether the file that the key names has this version's bytes. */
  identity: string;
  size: number;
  /** Milliseconds. */
  modified: number;
  etag: string;
  properties: Properties;
}

/** What a client says of an object. */
export interface Properties {
  /** Response headers by lower-case name: content-type, x-amz-meta-… */
  headers: Record<string, string>;
  tags: Record<string, string>;
  checksum?: Checksum;
  /** Sizes of the parts of a multipart upload. */
  parts?: number[];
  /** The multipart upload that it came by. */
  upload?: string;
}

export interface Checksum {
  /** `CRC32`, `SHA256` … */
  algorithm: string;
  /** Base64; a composite one ends in `-` and the number of parts. */
  value: string;
  type: 'FULL_OBJECT' | 'COMPOSITE';
}

/** A multipart upload. */
export interface Upload {
  id: string;
  bucket: string;
  key: string;
  created: number;
  properties: Properties;
  checksum?: { algorithm: string; type: Checksum['type'] };
}

export interface Part {
  number: number;
  /** Name of the file of its bytes. */
  id: string;
  size: number;
  etag: string;
  modified: number;
  checksum?: string;
}

export type Versioning = 'Enabled' | 'Suspended';

const SCHEMA = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, versioning TEXT, region TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, bucket TEXT NOT NULL, key TEXT NOT NULL,
    nullVersion INTEGER NOT NULL, marker INTEGER NOT NULL, identity TEXT NOT NULL, size INTEGER NOT NULL,
    modified INTEGER NOT NULL, etag TEXT NOT NULL, properties TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS objectsByKey ON objects (bucket, key, seq);
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL,
    properties TEXT NOT NULL, checksum TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified INTEGER NOT NULL, checksum TEXT, PRIMARY KEY (upload, number)) STRICT;
`;

interface Change {
  work(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * The metadata of the objects in folder buckets, in one SQLite file. The server and its trainings, which are processes
 * of their own, have it open at the same time. Reading is synchronous; changes are made by `change`.
 */
export class Catalogue {
  readonly #file: string;
  #opened: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  #queue: Change[] = [];

  /** The file is made by the first change: who only reads leaves no trace. */
  constructor(file: string) {
    this.#file = file;
  }

  close(): void {
    this.#opened?.close();
  }

  get #database(): DatabaseSync {
    if (!this.#opened) {
      mkdirSync(dirname(this.#file), { recursive: true });
      this.#opened = new DatabaseSync(this.#file);
      this.#opened.exec(SCHEMA);
    }
    return this.#opened;
  }

  /** True when nothing was ever written down. */
  get #isEmpty(): boolean {
    return !this.#opened && !existsSync(this.#file);
  }

  /**
   * Runs `work` in a transaction and answers once it is on disk. Changes that come at the same time share one, since
   * the disk is what a transaction waits for; one that throws is undone alone.
   */
  change<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as Change['resolve'], reject });
      if (this.#queue.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const changes = this.#queue;
    this.#queue = [];
    const settle: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { work, resolve, reject } of changes) {
        this.#database.exec('SAVEPOINT one');
        try {
          const value = work();
          settle.push(() => resolve(value));
        } catch (error) {
          this.#database.exec('ROLLBACK TO one');
          settle.push(() => reject(error));
        }
        this.#database.exec('RELEASE one');
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const { reject } of changes) reject(error);
      return;
    }
    for (const tell of settle) tell();
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** A key's versions, the newest first. */
  rows(bucket: string, key: string): Row[] {
    if (this.#isEmpty) return [];
    const rows = this.#sql('SELECT * FROM objects WHERE bucket = ? AND key = ? ORDER BY seq DESC');
    return rows.all(bucket, key).map(toRow);
  }

  /** At most `limit` rows from a place on, by key, a key's newest first. `after`: the last row of the page before. */
  page(bucket: string, lower: string, after: { key: string; seq: number } | undefined, limit: number): Row[] {
    if (this.#isEmpty) return [];
    const rows = after
      ? this.#sql(
          'SELECT * FROM objects WHERE bucket = ? AND (key > ? OR (key = ? AND seq < ?)) ORDER BY key, seq DESC LIMIT ?',
        ).all(bucket, after.key, after.key, after.seq, limit)
      : this.#sql('SELECT * FROM objects WHERE bucket = ? AND key >= ? ORDER BY key, seq DESC LIMIT ?').all(
          bucket,
          lower,
          limit,
        );
    return rows.map(toRow);
  }

  insert(bucket: string, row: Omit<Row, 'seq'>): void {
    this.#sql(
      'INSERT INTO objects (id, bucket, key, nullVersion, marker, identity, size, modified, etag, properties) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ).run(
      row.id,
      bucket,
      row.key,
      Number(row.nullVersion),
      Number(row.marker),
      row.identity,
      row.size,
      row.modified,
      row.etag,
      JSON.stringify(row.properties),
    );
  }

  setProperties(id: string, properties: Properties): void {
    this.#sql('UPDATE objects SET properties = ? WHERE id = ?').run(JSON.stringify(properties), id);
  }

  remove(id: string): void {
    this.#sql('DELETE FROM objects WHERE id = ?').run(id);
  }

  /** True for the name of a file that belongs to an object or to a part. */
  owns(id: string): boolean {
    if (this.#isEmpty) return false;
    const found = this.#sql(
      'SELECT 1 FROM objects WHERE id = ?1 UNION ALL SELECT 1 FROM parts WHERE id = ?1',
    );
    return found.get(id) !== undefined;
  }

  versioning(bucket: string): Versioning | undefined {
    if (this.#isEmpty) return undefined;
    const row = this.#sql('SELECT versioning FROM buckets WHERE name = ?').get(bucket);
    return (row?.versioning as Versioning | null | undefined) ?? undefined;
  }

  setVersioning(bucket: string, versioning: Versioning): void {
    this.#sql(
      'INSERT INTO buckets (name, versioning) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET versioning = ?2',
    ).run(bucket, versioning);
  }

  /** The Region that a bucket was made for; undefined for one made by hand. */
  region(bucket: string): string | undefined {
    if (this.#isEmpty) return undefined;
    const row = this.#sql('SELECT region FROM buckets WHERE name = ?').get(bucket);
    return (row?.region as string | null | undefined) ?? undefined;
  }

  setRegion(bucket: string, region: string): void {
    this.#sql('INSERT INTO buckets (name, region) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET region = ?2').run(
      bucket,
      region,
    );
  }

  /** Forgets all that is known of a bucket. */
  forget(bucket: string): void {
    this.#sql('DELETE FROM parts WHERE upload IN (SELECT id FROM uploads WHERE bucket = ?)').run(bucket);
    this.#sql('DELETE FROM uploads WHERE bucket = ?').run(bucket);
    this.#sql('DELETE FROM objects WHERE bucket = ?').run(bucket);
    this.#sql('DELETE FROM buckets WHERE name = ?').run(bucket);
  }

  addUpload({ id, bucket, key, created, properties, checksum }: Upload): void {
    const add = this.#sql('INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)');
    const algorithm = checksum ? JSON.stringify(checksum) : null;
    add.run(id, bucket, key, created, JSON.stringify(properties), algorithm);
  }

  upload(id: string): Upload | undefined {
    if (this.#isEmpty) return undefined;
    const row = this.#sql('SELECT * FROM uploads WHERE id = ?').get(id);
    return row && toUpload(row);
  }

  /** A bucket's uploads by key, a key's oldest first. */
  uploads(bucket: string): Upload[] {
    if (this.#isEmpty) return [];
    return this.#sql('SELECT * FROM uploads WHERE bucket = ? ORDER BY key, created, id')
      .all(bucket)
      .map(toUpload);
  }

  removeUpload(id: string): void {
    this.#sql('DELETE FROM parts WHERE upload = ?').run(id);
    this.#sql('DELETE FROM uploads WHERE id = ?').run(id);
  }

  parts(upload: string): Part[] {
    if (this.#isEmpty) return [];
    const rows = this.#sql(
      'SELECT number, id, size, etag, modified, checksum FROM parts WHERE upload = ? ORDER BY number',
    ).all(upload);
    return rows.map((row) => ({ ...row, checksum: row.checksum ?? undefined }) as unknown as Part);
  }

  /** Adds a part and answers with the id of the one of the same number that it replaces. */
  putPart(upload: string, part: Part): string | undefined {
    const before = this.#sql('DELETE FROM parts WHERE upload = ? AND number = ? RETURNING id').get(
      upload,
      part.number,
    );
    this.#sql('INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)').run(
      upload,
      part.number,
      part.id,
      part.size,
      part.etag,
      part.modified,
      part.checksum ?? null,
    );
    return before?.id as string | undefined;
  }
}

type Columns = ReturnType<StatementSync['get']> & object;

function toRow(columns: Columns): Row {
  const { bucket: _, nullVersion, marker, properties, ...rest } = columns as Record<string, unknown>;
  return {
    ...(rest as Omit<Row, 'nullVersion' | 'marker' | 'properties'>),
    nullVersion: nullVersion === 1,
    marker: marker === 1,
    properties: JSON.parse(properties as string),
  };
}

function toUpload(columns: Columns): Upload {
  const { properties, checksum, ...rest } = columns as Record<string, unknown>;
  return {
    ...(rest as Omit<Upload, 'properties' | 'checksum'>),
    properties: JSON.parse(properties as string),
    ...(checksum !== null && { checksum: JSON.parse(checksum as string) }),
  };
}
