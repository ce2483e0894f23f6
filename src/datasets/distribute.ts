import { ManifestError } from '../manifest/codes.ts';
import { ENTRY_BATCH, moveEntries } from '../store/entries.ts';
import { batches } from '../store/entry-counts.ts';
import type { Database } from '../store/schema.ts';
import { overlap } from '../training/labels.ts';
import { chooseTestImages } from '../training/split.ts';
import { pause, readBatches } from './contents.ts';

/** Share of the labels that the test set must get. */
const MINIMUM_OVERLAP = 0.5;

/**
 * Moves about a fifth of each label's entries into the other, empty data set; entries without usable labels stay. All
 * of them in one transaction, which `finish` completes, or none. Same seed, same choice. Throws {@link ManifestError}
 * when that isn't enough to test with.
 */
export async function distribute(
  database: Database,
  from: number,
  into: number,
  seed: number,
  finish: (transaction: Database) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const positions: number[] = [];
  const labels: string[][] = [];
  for await (const entries of readBatches(database, from, signal)) {
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
  await database.transaction().execute(async (transaction) => {
    for (const some of batches(chosen, ENTRY_BATCH)) {
      const moved = some.map((index) => positions[index]!);
      await moveEntries(transaction, from, into, moved);
      await pause(signal);
    }
    await finish(transaction);
  });
}
