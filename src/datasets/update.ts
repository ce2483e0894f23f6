import { ManifestError } from '../manifest/codes.ts';
import { MANIFEST_LIMITS, readLines } from '../manifest/reader.ts';
import { findChanges, findDatasetById } from '../store/datasets.ts';
import { ENTRY_BATCH, findPositions, insertEntries, lastPosition, removeEntries } from '../store/entries.ts';
import { batches, countEntries, countStored } from '../store/entry-counts.ts';
import { listLabels } from '../store/entry-listing.ts';
import type { Database } from '../store/schema.ts';
import { checkSize, pause } from './contents.ts';
import { type CheckedEntry, toEntry } from './entry.ts';
import { MAXIMUM_BAD } from './import.ts';

/**
 * The entries that an update in progress brings. Throws {@link ManifestError} when they, or the data set with them, can't
 * be: from then on the update can't fail any more.
 */
export async function checkUpdate(
  database: Database,
  datasetId: number,
  signal: AbortSignal,
): Promise<CheckedEntry[]> {
  const entries = await readEntries((await findChanges(database, datasetId))!, signal);
  const labels = new Map<string, number>();
  const add = (counts: { label: string; entries: number }[], sign: 1 | -1) => {
    for (const { label, entries } of counts) labels.set(label, (labels.get(label) ?? 0) + sign * entries);
  };
  add(await listLabels(database, datasetId), 1);
  let total = (await findDatasetById(database, datasetId))!.totalEntries;
  for (const some of batches(entries, ENTRY_BATCH)) {
    const existing = await findExisting(database, datasetId, some);
    add((await countStored(database, datasetId, [...existing.values()])).labels, -1);
    add(countEntries(some).labels, 1);
    total += some.length - existing.size;
    await pause(signal);
  }
  checkSize(total, [...labels.values()].filter((count) => count > 0).length);
  return entries;
}

/**
 * Merges entries into a data set: each replaces the entry of the same image or becomes a new one. A batch at a time, so
 * that other requests needn't wait; when it was cut off, doing it again completes it.
 */
export async function mergeEntries(
  database: Database,
  datasetId: number,
  entries: CheckedEntry[],
  signal: AbortSignal,
): Promise<void> {
  for (const some of batches(entries, ENTRY_BATCH)) {
    await database.transaction().execute(async (transaction) => {
      const existing = await findExisting(transaction, datasetId, some);
      await removeEntries(transaction, datasetId, [...existing.values()]);
      let position = await lastPosition(transaction, datasetId);
      const placed = some.map((entry) => {
        return { ...entry, position: existing.get(entry.sourceRef) ?? ++position };
      });
      await insertEntries(transaction, datasetId, placed);
    });
    await pause(signal);
  }
}

async function findExisting(
  database: Database,
  datasetId: number,
  entries: CheckedEntry[],
): Promise<Map<string, number>> {
  const sources = entries.map(({ sourceRef }) => sourceRef);
  return await findPositions(database, datasetId, sources);
}

/** The lines as entries, one of each image; their positions are those in the block. */
async function readEntries(text: string, signal: AbortSignal): Promise<CheckedEntry[]> {
  async function* bytes() {
    yield Buffer.from(text);
  }
  const entries = new Map<string, CheckedEntry>();
  let total = 0;
  const limits = { ...MANIFEST_LIMITS, lines: Number.POSITIVE_INFINITY };
  for await (const { number, text } of readLines(bytes(), limits)) {
    total = number;
    if (number % ENTRY_BATCH === 0) await pause(signal);
    const entry = toEntry(text, number);
    if (entry && !entries.has(entry.sourceRef)) entries.set(entry.sourceRef, entry);
  }
  if (total - entries.size > MAXIMUM_BAD * total) throw new ManifestError('ERROR_TOO_MANY_RECORDS_IN_ERROR');
  return [...entries.values()];
}
