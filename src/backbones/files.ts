import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { BackboneError } from './error.ts';

/** SHA-256 of a file, hexadecimal. */
export async function checksumOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Throws BackboneError unless the path is a file of at most so many bytes. */
export async function checkFile(path: string, maximumBytes: number): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new BackboneError(
      error.code === 'ENOENT' ? `There is no file ${path}.` : `${path} can't be read: ${error.message}`,
    );
  });
  if (!found.isFile()) throw new BackboneError(`${path} is not a file.`);
  if (found.size > maximumBytes) throw tooLarge(path, maximumBytes);
}

const tooLarge = (path: string, maximumBytes: number) =>
  new BackboneError(`${path} has more than ${maximumBytes} bytes, which is the maximum.`);

/** Copies a file, and no more of it than `maximumBytes`, so that it outlives a crash. */
export async function copyFile(from: string, to: string, maximumBytes: number): Promise<void> {
  await checkFile(from, maximumBytes);
  await using target = await open(to, 'wx');
  let size = 0;
  for await (const chunk of createReadStream(from) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maximumBytes) throw tooLarge(from, maximumBytes);
    await target.writeFile(chunk);
  }
  await target.sync();
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await using file = await open(path, 'wx');
  await file.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
  await file.sync();
}

export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync();
}
