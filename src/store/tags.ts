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

/** Adds tags to a resource or gives theirs new values. False, and nothing is changed, when it would have too many. */
export async function addTags(
  database: Database,
  resourceArn: string,
  tags: Tags,
  limit: number,
): Promise<boolean> {
  return await database.transaction().execute(async (transaction) => {
    const merged = { ...(await findTags(transaction, resourceArn)), ...tags };
    if (Object.keys(merged).length > limit) return false;
    await deleteTags(transaction, resourceArn);
    await insertTags(transaction, resourceArn, merged);
    return true;
  });
}

/** Removes the tags with these keys; those that aren't there don't matter. */
export async function removeTags(database: Database, resourceArn: string, keys: string[]): Promise<void> {
  if (keys.length === 0) return;
  await database.deleteFrom('tags').where('resourceArn', '=', resourceArn).where('key', 'in', keys).execute();
}

/** Removes the tags of a resource that goes away. */
export async function deleteTags(database: Database, resourceArn: string): Promise<void> {
  await database.deleteFrom('tags').where('resourceArn', '=', resourceArn).execute();
}
