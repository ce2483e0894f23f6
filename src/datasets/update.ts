import { ManifestError } from '../manifest/codes.ts';
import { MANIFEST_LIMITS, readLines } from '../manifest/reader.ts';
import { readChanges } from '../store/datasets.ts';
import { ENTRY_BATCH, findPositions, insertEntries, lastPosition, removeEntries } from '../store/entries.ts';
import { batches } from '../store/entry-counts.ts';
import type { Database } from '../store/schema.ts';
import { checkSize, pause } from './contents.ts';
import { type CheckedEntry, toEntry } from './entry.ts';
import { MAXIMUM_BAD } from './import.ts';

/**
 * Merges the lines of an update in progress into its data set: a line replaces the entry of the same image or becomes a
 * new one. All of them in one transaction, which `finish` completes, or none. Throws {@link ManifestError}.
 */
export async function update(
  database: Database,
  datasetId: number,
  finish: (transaction: Database) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const entries = await readEntries(await readChanges(database, datasetId), signal);
  await database.transaction().execute(async (transaction) => {
    let position = await lastPosition(transaction, datasetId);
    for (const some of batches(entries, ENTRY_BATCH)) {
      const sources = some.map(({ sourceRef }) => sourceRef);
      const existing = await findPositions(transaction, datasetId, sources);
      await removeEntries(transaction, datasetId, [...existing.values()]);
      const placed = some.map((entry) => {
        return { ...entry, position: existing.get(entry.sourceRef) ?? ++position };
      });
      await insertEntries(transaction, datasetId, placed);
      await pause(signal);
    }
    await checkSize(transaction, datasetId);
    await finish(transaction);
  });
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
