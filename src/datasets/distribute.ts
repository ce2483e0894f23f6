import { ManifestError } from '../manifest/codes.ts';
import { findChanges, keepChanges } from '../store/datasets.ts';
import { ENTRY_BATCH, moveEntries } from '../store/entries.ts';
import { batches } from '../store/entry-counts.ts';
import type { Database } from '../store/schema.ts';
import { overlap } from '../training/labels.ts';
import { chooseTestImages } from '../training/split.ts';
import { pause, readBatches } from './contents.ts';

/** Share of the labels that the test set must get. */
const MINIMUM_OVERLAP = 0.5;

/**
 * Chooses about a fifth of each label's entries for the test set; entries without usable labels stay. The choice is
 * kept, so that it is the same one after a restart. Throws {@link ManifestError} when it isn't enough to test with.
 * @returns positions
 */
export async function chooseEntries(
  database: Database,
  datasetId: number,
  seed: number,
  signal: AbortSignal,
): Promise<number[]> {
  const kept = await findChanges(database, datasetId);
  if (kept !== undefined) return JSON.parse(kept);
  const positions: number[] = [];
  const labels: string[][] = [];
  for await (const entries of readBatches(database, datasetId, signal)) {
    for (const entry of entries) {
      if (entry.labels.length === 0) continue;
      positions.push(entry.position);
      labels.push(entry.labels.map(({ label }) => label));
    }
  }
  const chosen = chooseTestImages(labels, seed);
  const tested = new Set(chosen.flatMap((index) => labels[index]!));
  if (chosen.length === 0 || overlap([...new Set(labels.flat())], [...tested]) < MINIMUM_OVERLAP) {
    throw new ManifestError('ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE');
  }
  const choice = chosen.map((index) => positions[index]!);
  await keepChanges(database, datasetId, JSON.stringify(choice));
  return choice;
}

/**
 * Moves entries from one data set into another. A batch at a time, so that other requests needn't wait; when it was
 * cut off, doing it again completes it.
 */
export async function moveAll(
  database: Database,
  from: number,
  into: number,
  positions: number[],
  signal: AbortSignal,
): Promise<void> {
  for (const some of batches(positions, ENTRY_BATCH)) {
    await database.transaction().execute((transaction) => moveEntries(transaction, from, into, some));
    await pause(signal);
  }
}
