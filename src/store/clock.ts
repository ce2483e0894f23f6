import { sql } from 'kysely';
import type { Database } from './schema.ts';

/**
 * A creation time in epoch milliseconds that was never given out before, even after the machine's clock was set
 * back: ARNs end in it. Call it inside the transaction that uses it.
 */
export async function nextCreationTime(database: Database): Promise<number> {
  const now = Date.now();
  const { lastTime } = await database
    .insertInto('clock')
    .values({ id: 1, lastTime: now })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        lastTime: sql`case when clock.last_time >= ${now} then clock.last_time + 1 else ${now} end`,
      }),
    )
    .returning('lastTime')
    .executeTakeFirstOrThrow();
  return lastTime;
}
