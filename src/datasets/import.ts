import { ManifestError } from '../manifest/codes.ts';
import { asFileError } from '../manifest/file-error.ts';
import { MANIFEST_LIMITS, readLines } from '../manifest/reader.ts';
import type { ObjectRef, ObjectStore } from '../objects/objects.ts';
import { insertEntries } from '../store/entries.ts';
import { listLabels } from '../store/entry-listing.ts';
import type { Database } from '../store/schema.ts';
import { checkSize, clear, pause } from './contents.ts';
import { type CheckedEntry, toEntry } from './entry.ts';

/** Share of bad lines above which a manifest, or a block of changes, is refused. */
export const MAXIMUM_BAD = 0.2;

/** A transaction takes so many lines or characters: some ten milliseconds, in which no request is answered. */
const BATCH = { lines: 250, characters: 1024 * 1024 };

/**
 * Fills a data set that is being created with the lines of a manifest; no more than a batch of them is in memory.
 * Lines that can't be entries, or whose image is there already, are left out. May be begun again after a crash. Throws
 * {@link ManifestError}.
 */
export async function importManifest(
  database: Database,
  objects: ObjectStore,
  manifest: ObjectRef,
  datasetId: number,
  signal: AbortSignal,
): Promise<void> {
  await clear(database, datasetId, signal);
  let [total, good] = [0, 0];
  for await (const { lines, entries } of checkedBatches(objects, manifest)) {
    total += lines;
    const added = await database
      .transaction()
      .execute((transaction) => insertEntries(transaction, datasetId, entries));
    checkSize(total, (await listLabels(database, datasetId)).length);
    good += added.filter(({ invalid }) => !invalid).length;
    await pause(signal);
  }
  if (total - good > MAXIMUM_BAD * total) throw new ManifestError('ERROR_TOO_MANY_RECORDS_IN_ERROR');
}

interface Batch {
  lines: number;
  entries: CheckedEntry[];
}

async function* checkedBatches(objects: ObjectStore, manifest: ObjectRef): AsyncGenerator<Batch> {
  let batch: Batch = { lines: 0, entries: [] };
  let characters = 0;
  try {
    const { size } = await objects.head(manifest);
    if (size > MANIFEST_LIMITS.bytes) throw new ManifestError('ERROR_MANIFEST_SIZE_TOO_LARGE');
    // Only a training needs lines.
    if (size === 0) return;
    for await (const { number, text } of readLines(await objects.stream(manifest))) {
      const entry = toEntry(text, number);
      if (entry) batch.entries.push(entry);
      batch.lines += 1;
      characters += text?.length ?? 0;
      if (batch.lines < BATCH.lines && characters < BATCH.characters) continue;
      yield batch;
      batch = { lines: 0, entries: [] };
      characters = 0;
    }
    yield batch;
  } catch (cause) {
    throw asFileError(cause);
  }
}
