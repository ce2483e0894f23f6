import {
  addCounts,
  batches,
  clearCounts,
  countEntries,
  countStored,
  flag,
  negative,
} from './entry-counts.ts';
import type { Database } from './schema.ts';

/** One image of a data set, as it is stored. */
export interface Entry {
  /** Its place in the order of the listing; counts from 1. */
  position: number;
  sourceRef: string;
  /** The JSON line, without anything that a check found. */
  line: string;
  labeled: boolean;
  hasErrors: boolean;
  /** Errors or warnings. */
  hasFindings: boolean;
  /** Usable labels, each once. */
  labels: { label: string; boxed: boolean }[];
}

/** Entries that are read, removed, replaced or moved at a time. */
export const ENTRY_BATCH = 250;

/**
 * Adds entries and counts them. An entry whose `sourceRef` is there already is left out. Call it inside a transaction.
 * @returns those that were added
 */
export async function insertEntries<Given extends Entry>(
  database: Database,
  datasetId: number,
  entries: Given[],
): Promise<Given[]> {
  const added = new Set<number>();
  for (const some of batches(entries)) {
    const rows = await database
      .insertInto('datasetEntries')
      .values(
        some.map(({ position, sourceRef, labeled, hasErrors, hasFindings }) => ({
          datasetId,
          position,
          sourceRef,
          labeled: flag(labeled),
          errors: flag(hasErrors),
          findings: flag(hasFindings),
        })),
      )
      .onConflict((conflict) => conflict.columns(['datasetId', 'sourceRef']).doNothing())
      .returning('position')
      .execute();
    for (const { position } of rows) added.add(position);
  }
  const kept = entries.filter(({ position }) => added.has(position));
  for (const some of batches(kept)) {
    const lines = some.map(({ position, line }) => ({ datasetId, position, line }));
    await database.insertInto('datasetLines').values(lines).execute();
  }
  const labels = kept.flatMap(({ position, hasErrors, labels: own }) =>
    own.map(({ label, boxed }) => ({
      datasetId,
      position,
      label,
      boxed: flag(boxed),
      errors: flag(hasErrors),
    })),
  );
  for (const some of batches(labels)) await database.insertInto('datasetLabels').values(some).execute();
  await addCounts(database, datasetId, countEntries(kept));
  await raiseLastPosition(database, datasetId, Math.max(0, ...kept.map(({ position }) => position)));
  return kept;
}

const ENTRY_TABLES = ['datasetEntries', 'datasetLines', 'datasetLabels'] as const;

/** Removes entries and their counts. At most {@link ENTRY_BATCH} positions. Call it inside a transaction. */
export async function removeEntries(
  database: Database,
  datasetId: number,
  positions: number[],
): Promise<void> {
  if (positions.length === 0) return;
  await addCounts(database, datasetId, negative(await countStored(database, datasetId, positions)));
  for (const table of ENTRY_TABLES) {
    await database
      .deleteFrom(table)
      .where('datasetId', '=', datasetId)
      .where('position', 'in', positions)
      .execute();
  }
}

/**
 * Removes the first entries of a data set that is on its way out, or not there yet. Call it inside a transaction.
 * @returns false when none was left
 */
export async function removeFirst(database: Database, datasetId: number): Promise<boolean> {
  const rows = await database
    .selectFrom('datasetEntries')
    .select('position')
    .where('datasetId', '=', datasetId)
    .orderBy('position')
    .limit(ENTRY_BATCH)
    .execute();
  const last = rows.at(-1);
  if (!last) return false;
  for (const table of ENTRY_TABLES) {
    await database
      .deleteFrom(table)
      .where('datasetId', '=', datasetId)
      .where('position', '<=', last.position)
      .execute();
  }
  await clearCounts(database, datasetId);
  return true;
}

/**
 * Moves entries into another data set, where they keep their positions. At most {@link ENTRY_BATCH} positions. Call it
 * inside a transaction.
 */
export async function moveEntries(
  database: Database,
  from: number,
  into: number,
  positions: number[],
): Promise<void> {
  const counts = await countStored(database, from, positions);
  for (const table of ENTRY_TABLES) {
    await database
      .updateTable(table)
      .set({ datasetId: into })
      .where('datasetId', '=', from)
      .where('position', 'in', positions)
      .execute();
  }
  await addCounts(database, from, negative(counts));
  await addCounts(database, into, counts);
  await raiseLastPosition(database, into, Math.max(...positions));
}

async function raiseLastPosition(database: Database, datasetId: number, position: number): Promise<void> {
  await database
    .updateTable('datasets')
    .set({ lastPosition: position })
    .where('id', '=', datasetId)
    .where('lastPosition', '<', position)
    .execute();
}

/** Positions of the entries with these values of `source-ref`. At most {@link ENTRY_BATCH} values. */
export async function findPositions(
  database: Database,
  datasetId: number,
  sourceRefs: string[],
): Promise<Map<string, number>> {
  const rows = await database
    .selectFrom('datasetEntries')
    .select(['sourceRef', 'position'])
    .where('datasetId', '=', datasetId)
    .where('sourceRef', 'in', sourceRefs)
    .execute();
  return new Map(rows.map(({ sourceRef, position }) => [sourceRef, position]));
}

/** The highest position that was ever given to an entry of the data set. */
export async function lastPosition(database: Database, datasetId: number): Promise<number> {
  const row = await database
    .selectFrom('datasets')
    .select('lastPosition')
    .where('id', '=', datasetId)
    .executeTakeFirstOrThrow();
  return row.lastPosition;
}

/** The next `limit` entries of a data set after the position `after`, in order. */
export async function readEntries(
  database: Database,
  datasetId: number,
  after: number,
  limit = ENTRY_BATCH,
): Promise<Entry[]> {
  const rows = await database
    .selectFrom('datasetEntries as entry')
    .innerJoin('datasetLines as text', (join) =>
      join.onRef('text.datasetId', '=', 'entry.datasetId').onRef('text.position', '=', 'entry.position'),
    )
    .select(['entry.position', 'sourceRef', 'line', 'labeled', 'errors', 'findings'])
    .where('entry.datasetId', '=', datasetId)
    .where('entry.position', '>', after)
    .orderBy('entry.position')
    .limit(limit)
    .execute();
  const last = rows.at(-1);
  const labels = last ? await readLabels(database, datasetId, after, last.position) : [];
  const ofEntry = Map.groupBy(labels, ({ position }) => position);
  return rows.map(({ position, sourceRef, line, labeled, errors, findings }) => ({
    position,
    sourceRef,
    line,
    labeled: labeled === 1,
    hasErrors: errors === 1,
    hasFindings: findings === 1,
    labels: (ofEntry.get(position) ?? []).map(({ label, boxed }) => ({ label, boxed: boxed === 1 })),
  }));
}

async function readLabels(database: Database, datasetId: number, after: number, last: number) {
  return await database
    .selectFrom('datasetLabels')
    .select(['position', 'label', 'boxed'])
    .where('datasetId', '=', datasetId)
    .where('position', '>', after)
    .where('position', '<=', last)
    .execute();
}
