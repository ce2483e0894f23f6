import { setImmediate } from 'node:timers/promises';
import { ManifestError } from '../manifest/codes.ts';
import { MANIFEST_LIMITS } from '../manifest/reader.ts';
import { type Entry, insertEntries, readEntries, removeFirst } from '../store/entries.ts';
import type { Database } from '../store/schema.ts';

/** Labels of a manifest, and of a data set. */
const MAXIMUM_LABELS = 250;

/** Lets requests through between two batches: SQLite answers at once, so that awaiting it lets nobody in. */
export async function pause(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}

/** The entries of a data set in order, a batch at a time. */
export async function* readBatches(
  database: Database,
  datasetId: number,
  signal: AbortSignal,
): AsyncGenerator<Entry[]> {
  let after = 0;
  for (;;) {
    const entries = await readEntries(database, datasetId, after);
    const last = entries.at(-1);
    if (!last) return;
    yield entries;
    after = last.position;
    await pause(signal);
  }
}

/** Removes all entries, a batch at a time. */
export async function clear(database: Database, datasetId: number, signal: AbortSignal): Promise<void> {
  const removeSome = () =>
    database.transaction().execute((transaction) => removeFirst(transaction, datasetId));
  while (await removeSome()) await pause(signal);
}

/** Fills a data set that is being created with the entries of another one. May be begun again after a crash. */
export async function copy(
  database: Database,
  from: number,
  into: number,
  signal: AbortSignal,
): Promise<void> {
  await clear(database, into, signal);
  for await (const entries of readBatches(database, from, signal)) {
    await database.transaction().execute((transaction) => insertEntries(transaction, into, entries));
  }
}

/** Throws {@link ManifestError} when a data set has more entries or labels than it may have. */
export function checkSize(entries: number, labels: number): void {
  if (labels > MAXIMUM_LABELS) throw new ManifestError('ERROR_MANIFEST_TOO_MANY_LABELS');
  if (entries > MANIFEST_LIMITS.lines) throw new ManifestError('ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM');
}
