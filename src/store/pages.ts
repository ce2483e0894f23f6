import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Database } from './schema.ts';

const SECRET = 'page-tokens';
const SIGNATURE_BYTES = 32;

/**
 * Tokens for the next page of a listing. A token holds where the page ended and is signed together with the query it
 * belongs to, so it can't be forged or carried to another query; the key is kept, so it outlives a restart.
 */
export interface PageTokens {
  /** `query` is anything that identifies the listing and its filters (JSON). */
  write(query: unknown, position: number): string;
  /** The position, or undefined when this server didn't write the token for this query. */
  read(query: unknown, token: string): number | undefined;
}

async function readKey(database: Database): Promise<Buffer> {
  await database
    .insertInto('secrets')
    .values({ name: SECRET, value: randomBytes(32).toString('hex') })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const { value } = await database
    .selectFrom('secrets')
    .select('value')
    .where('name', '=', SECRET)
    .executeTakeFirstOrThrow();
  return Buffer.from(value, 'hex');
}

/** Page tokens under the key of this database, made on first use. */
export async function createPageTokens(database: Database): Promise<PageTokens> {
  const key = await readKey(database);
  const sign = (query: unknown, position: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([query, position]))
      .digest();
  return {
    write(query, position) {
      const text = String(position);
      return Buffer.concat([sign(query, text), Buffer.from(text)]).toString('base64url');
    },
    read(query, token) {
      const bytes = Buffer.from(token, 'base64url');
      // Decoding passes over what isn't base64url; a token is what was written and nothing else.
      if (bytes.length <= SIGNATURE_BYTES || bytes.toString('base64url') !== token) return undefined;
      const signature = bytes.subarray(0, SIGNATURE_BYTES);
      const position = bytes.subarray(SIGNATURE_BYTES).toString();
      return timingSafeEqual(signature, sign(query, position)) ? Number(position) : undefined;
    },
  };
}
