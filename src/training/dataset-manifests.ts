import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exportEntries } from '../datasets/export.ts';
import type { Database } from '../store/schema.ts';
import type { VersionRequest } from '../store/versions.ts';
import type { ManifestPlace } from './outcome.ts';

type LocalManifest = Extract<ManifestPlace, { file: string }>;
type Datasets = NonNullable<VersionRequest['datasets']>;

/** Copies of a version's data sets in its folder, as manifests. */
export function datasetManifests(
  folder: string,
  { testing }: Datasets,
): { training: LocalManifest; testing?: LocalManifest } {
  const place = (name: string) => ({ file: join(folder, `${name}.manifest`) });
  return { training: place('training'), ...(testing !== undefined && { testing: place('testing') }) };
}

/** Makes the copies, unless an earlier run of the server did. Throws when `signal` says that the server closes. */
export async function copyDatasets(
  database: Database,
  folder: string,
  datasets: Datasets,
  signal: AbortSignal,
): Promise<void> {
  const places = datasetManifests(folder, datasets);
  await copyOnce(database, datasets.training, places.training.file, signal);
  if (places.testing) await copyOnce(database, datasets.testing!, places.testing.file, signal);
}

async function copyOnce(database: Database, id: number, file: string, signal: AbortSignal): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (!there) await exportEntries(database, id, file, signal);
}

/** Removes the copies when the training has ended. */
export async function removeCopies(folder: string, datasets: Datasets): Promise<void> {
  const { training, testing } = datasetManifests(folder, datasets);
  for (const place of [training, testing]) if (place) await rm(place.file, { force: true });
}
