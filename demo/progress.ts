import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingProgress } from '../src/vision/classifier.ts';

/**
 * How far the one training in a data folder is. The API says only that a model is being trained; the server keeps
 * more in the version's folder.
 */
export async function readProgress(dataFolder: string): Promise<TrainingProgress | undefined> {
  try {
    const versions = join(dataFolder, 'versions');
    const [version] = await readdir(versions);
    const lines = (await readFile(join(versions, version!, 'progress.jsonl'), 'utf8')).split('\n');
    // The last line may be half written; each whole one ends with a newline.
    return JSON.parse(lines.at(-2)!);
  } catch {
    return undefined;
  }
}

export function describeProgress({ stage, fraction, loss, imagesPerSecond }: TrainingProgress): string {
  const parts = [`${Math.floor(fraction * 100)} %`, stage];
  if (loss !== undefined) parts.push(`loss ${loss.toFixed(2)}`);
  if (imagesPerSecond !== undefined) parts.push(`${Math.round(imagesPerSecond)} images/s`);
  return parts.join(', ');
}
