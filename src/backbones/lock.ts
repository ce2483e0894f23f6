import { readFile, rm, writeFile } from 'node:fs/promises';
import { BackboneError } from './error.ts';

/**
 * Holds a file for this process until it is disposed of. Throws BackboneError, which begins with `busy`, when another
 * process that lives has it.
 */
export async function lockFile(path: string, busy: string): Promise<AsyncDisposable> {
  for (let attempt = 1; ; attempt++) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' });
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      if (attempt > 1 || isAlive(owner)) {
        throw new BackboneError(`${busy} by another process (${owner}; it holds ${path}).`);
      }
      await rm(path, { force: true });
    }
  }
}

export function isAlive(pid: number): boolean {
  // In a container the process before this one often had the same number.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
