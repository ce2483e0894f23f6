import type { Database } from './schema.ts';

export type Tags = Record<string, string>;

/** Gives a new resource its tags. Call it inside the transaction that makes the resource. */
export async function insertTags(database: Database, resourceArn: string, tags: Tags = {}): Promise<void> {
  const rows = Object.entries(tags).map(([key, value]) => ({ resourceArn, key, value }));
  if (rows.length > 0) await database.insertInto('tags').values(rows).execute();
}

/** Tags of a resource; empty when it has none. */
export async function findTags(database: Database, resourceArn: string): Promise<Tags> {
  const rows = await database
    .selectFrom('tags')
    .select(['key', 'value'])
    .where('resourceArn', '=', resourceArn)
    .orderBy('key')
    .execute();
  return Object.fromEntries(rows.map((row) => [row.key, row.value]));
}

/** Removes the tags of a resource that goes away. */
export async function deleteTags(database: Database, resourceArn: string): Promise<void> {
  await database.deleteFrom('tags').where('resourceArn', '=', resourceArn).execute();
}
