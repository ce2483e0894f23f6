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
  return {
    total: entries.length,
    labeled: entries.filter((entry) => entry.labeled).length,
    errors: entries.filter((entry) => entry.hasErrors).length,
    labels: countLabels(
      entries.flatMap((entry) => entry.labels.map(({ label, boxed }) => ({ label, boxed: flag(boxed) }))),
    ),
  };
}

function countLabels(labels: { label: string; boxed: number }[]): Counts['labels'] {
  const counts = new Map<string, Counts['labels'][number]>();
  for (const { label, boxed } of labels) {
    const count = counts.get(label) ?? { label, entries: 0, boxedEntries: 0 };
    count.entries += 1;
    count.boxedEntries += boxed;
    counts.set(label, count);
  }
  return [...counts.values()];
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
  // Grouped by label, SQLite would go through all labels of the data set to have them in order.
  const labels = await database
    .selectFrom('datasetLabels')
    .select(['label', 'boxed'])
    .where('datasetId', '=', datasetId)
    .where('position', 'in', positions)
    .execute();
  return {
    total: Number(total),
    labeled: Number(labeled),
    errors: Number(errors),
    labels: countLabels(labels),
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
