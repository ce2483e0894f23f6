import { open, rename } from 'node:fs/promises';
import type { Database } from '../store/schema.ts';
import { readBatches } from './contents.ts';

/** Writes the entries of a data set as a manifest, whole or not at all. */
export async function exportEntries(
  database: Database,
  datasetId: number,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${file}.unfinished`;
  {
    await using handle = await open(temporary, 'w');
    for await (const entries of readBatches(database, datasetId, signal)) {
      await handle.writeFile(entries.map(({ line }) => `${line}\n`).join(''));
    }
    await handle.sync();
  }
  await rename(temporary, file);
}
