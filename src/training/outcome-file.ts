import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingOutcome } from './outcome.ts';

const NAME = 'outcome.json';

/** Puts the outcome into the version's folder, whole and for good, or not at all. */
export async function writeOutcome(folder: string, outcome: TrainingOutcome): Promise<void> {
  const temporary = join(folder, `${NAME}.${process.pid}`);
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(JSON.stringify(outcome));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, NAME));
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The outcome and when it was written (epoch milliseconds), or undefined when the training hasn't ended. */
export async function readOutcome(
  folder: string,
): Promise<{ outcome: TrainingOutcome; endedAt: number } | undefined> {
  try {
    const file = join(folder, NAME);
    const outcome = JSON.parse(await readFile(file, 'utf8')) as TrainingOutcome;
    return { outcome, endedAt: Math.round((await stat(file)).mtimeMs) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
