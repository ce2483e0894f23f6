import { sql } from 'kysely';
import type { Entry } from './entries.ts';
import type { Database } from './schema.ts';

/** Rows per statement: far below what a statement may have of parameters, 32,766. */
const ROWS = 1000;

export const flag = (value: boolean) => (value ? 1 : 0);

export function* batches<T>(items: readonly T[], size = ROWS): Generator<T[]> {
  for (let begin = 0; begin < items.length; begin += size) yield items.slice(begin, begin + size);
}

/** Counts of entries, or by how much they change. */
export interface Counts {
  total: number;
  labeled: number;
  errors: number;
  labels: { label: string; entries: number; boxedEntries: number }[];
}

export function countEntries(entries: readonly Entry[]): Counts {
  const labels = new Map<string, { entries: number; boxedEntries: number }>();
  for (const { label, boxed } of entries.flatMap((entry) => entry.labels)) {
    const counts = labels.get(label) ?? { entries: 0, boxedEntries: 0 };
    counts.entries += 1;
    counts.boxedEntries += flag(boxed);
    labels.set(label, counts);
  }
  return {
    total: entries.length,
    labeled: entries.filter((entry) => entry.labeled).length,
    errors: entries.filter((entry) => entry.hasErrors).length,
    labels: Array.from(labels, ([label, counts]) => ({ label, ...counts })),
  };
}

/** Changes the counts of a data set. Call it inside the transaction that changes the entries. */
export async function addCounts(database: Database, datasetId: number, change: Counts): Promise<void> {
  for (const some of batches(change.labels)) {
    await database
      .insertInto('datasetLabelCounts')
      .values(some.map((counts) => ({ datasetId, ...counts })))
      .onConflict((conflict) =>
        conflict.columns(['datasetId', 'label']).doUpdateSet({
          entries: sql`dataset_label_counts.entries + excluded.entries`,
          boxedEntries: sql`dataset_label_counts.boxed_entries + excluded.boxed_entries`,
        }),
      )
      .execute();
  }
  await database
    .deleteFrom('datasetLabelCounts')
    .where('datasetId', '=', datasetId)
    .where('entries', '=', 0)
    .execute();
  await database
    .updateTable('datasets')
    .set((eb) => ({
      totalEntries: eb('totalEntries', '+', change.total),
      labeledEntries: eb('labeledEntries', '+', change.labeled),
      errorEntries: eb('errorEntries', '+', change.errors),
    }))
    .where('id', '=', datasetId)
    .execute();
}

/** Counts of some entries, as they are stored. */
export async function countStored(
  database: Database,
  datasetId: number,
  positions: number[],
): Promise<Counts> {
  if (positions.length === 0) return { total: 0, labeled: 0, errors: 0, labels: [] };
  const { total, labeled, errors } = await database
    .selectFrom('datasetEntries')
    .select((eb) => [
      eb.fn.countAll<number>().as('total'),
      eb.fn.sum<number | null>('labeled').as('labeled'),
      eb.fn.sum<number | null>('errors').as('errors'),
    ])
    .where('datasetId', '=', datasetId)
    .where('position', 'in', positions)
    .executeTakeFirstOrThrow();
  const labels = await database
    .selectFrom('datasetLabels')
    .select((eb) => [
      'label',
      eb.fn.countAll<number>().as('entries'),
      eb.fn.sum<number>('boxed').as('boxedEntries'),
    ])
    .where('datasetId', '=', datasetId)
    .where('position', 'in', positions)
    .groupBy('label')
    .execute();
  return {
    total: Number(total),
    labeled: Number(labeled),
    errors: Number(errors),
    labels: labels.map(({ label, entries, boxedEntries }) => ({
      label,
      entries: Number(entries),
      boxedEntries: Number(boxedEntries),
    })),
  };
}

export const negative = ({ total, labeled, errors, labels }: Counts): Counts => ({
  total: -total,
  labeled: -labeled,
  errors: -errors,
  labels: labels.map(({ label, entries, boxedEntries }) => ({
    label,
    entries: -entries,
    boxedEntries: -boxedEntries,
  })),
});

/** Sets everything to nothing. */
export async function clearCounts(database: Database, datasetId: number): Promise<void> {
  await database.deleteFrom('datasetLabelCounts').where('datasetId', '=', datasetId).execute();
  await database
    .updateTable('datasets')
    .set({ totalEntries: 0, labeledEntries: 0, errorEntries: 0 })
    .where('id', '=', datasetId)
    .execute();
}
