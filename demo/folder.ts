import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { inspectImage } from '../src/vision/image.ts';
import { type DataSet, type Entry, manifest, putObject } from './data-set.ts';
import { DemoError } from './error.ts';

const BUCKET = 'photos';
const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png']);
const HOW =
  'The demo wants one folder per label with JPEG or PNG photographs in it, for example\n\n  photos/cat/1.jpg\n  photos/cat/2.jpg\n  photos/dog/3.jpg';

/**
 * Copies the photographs of `folder` (one sub-folder per label) into a bucket below `buckets`. Files that the
 * service would not take are left out and told to `onSkip`. Throws DemoError when no training is possible.
 */
export async function folderDataSet(
  folder: string,
  buckets: string,
  onSkip: (file: string, reason: string) => void,
): Promise<DataSet> {
  const entries: Entry[] = [];
  for (const label of await labelFolders(folder)) {
    const files = (await readdir(join(folder, label), { withFileTypes: true }))
      .filter((file) => !file.isDirectory() && EXTENSIONS.has(extname(file.name).toLowerCase()))
      .map(({ name }) => name)
      .sort();
    for (const name of files) {
      const key = `images/${label}/${name}`;
      try {
        const photo = await readFile(join(folder, label, name));
        await inspectImage(photo);
        await putObject(join(buckets, BUCKET), key, photo);
        entries.push({ key, label });
      } catch (error) {
        onSkip(`${label}/${name}`, (error as Error).message);
      }
    }
  }
  const labels = checkLabels(folder, entries);
  await putObject(join(buckets, BUCKET), 'all.manifest', manifest(BUCKET, entries));
  return {
    project: projectName(folder),
    bucket: BUCKET,
    labels,
    training: { manifest: 'all.manifest', images: entries.length },
  };
}

async function labelFolders(folder: string): Promise<string[]> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) throw new DemoError(`There is no folder ${folder}.`);
  if (!found.isDirectory()) throw new DemoError(`${folder} is a file. ${HOW}`);
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
  if (names.length === 0) throw new DemoError(`${folder} has no sub-folders. ${HOW}`);
  return names;
}

function checkLabels(folder: string, entries: Entry[]): string[] {
  const counts = new Map<string, number>();
  for (const { label } of entries) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (counts.size === 0)
    throw new DemoError(`No usable JPEG or PNG images in the sub-folders of ${folder}. ${HOW}`);
  if (counts.size === 1) {
    throw new DemoError(
      `Only one label has images: "${[...counts.keys()][0]}". A model needs at least two. ${HOW}`,
    );
  }
  const few = [...counts].filter(([, count]) => count < 5);
  if (few.length > 0) {
    const list = few.map(([label, count]) => `"${label}" has ${count}`).join(', ');
    throw new DemoError(`Too few images: ${list}. Give every label at least 5, better 50.`);
  }
  return [...counts.keys()];
}

/** A project name of the service's alphabet, from the folder's name. */
function projectName(folder: string): string {
  return (
    basename(resolve(folder))
      .replace(/[^\w.-]+/g, '-')
      .slice(0, 200) || 'photos'
  );
}
