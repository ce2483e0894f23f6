import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dataPath, syncFolder } from './files.ts';

/** Bytes on disk that are no object yet. */
export interface Written {
  id: string;
  path: string;
  identity: string;
  size: number;
  /** Milliseconds. */
  modified: number;
  /** MD5 in hexadecimal. */
  etag: string;
}

let lastTime = 0;

/** Seconds since 1970, later than the time before: size and time together tell two writes of a key apart. */
function nextTime(): number {
  lastTime = Math.max(Date.now() / 1000, lastTime + 1e-5);
  return lastTime;
}

async function writeAll(handle: FileHandle, body: AsyncIterable<Uint8Array> | Uint8Array): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    hash.update(chunk);
    let offset = 0;
    while (offset < chunk.length) offset += (await handle.write(chunk, offset)).bytesWritten;
  }
  return hash.digest('hex');
}

/** Writes a file into a bucket's reserved folder so that it outlives a crash. Nothing is left of one that fails. */
export async function writeFile(
  bucketFolder: string,
  body: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<Written> {
  const id = randomUUID();
  const path = dataPath(bucketFolder, id);
  const handle = await openNew(path, bucketFolder);
  try {
    const etag = await writeAll(handle, body);
    const time = nextTime();
    await handle.utimes(time, time);
    await handle.sync();
    const status = await handle.stat({ bigint: true });
    await syncFolder(dirname(path));
    return {
      id,
      path,
      etag,
      identity: `${status.size}-${status.mtimeNs}`,
      size: Number(status.size),
      modified: Number(status.mtimeMs),
    };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function openNew(path: string, bucketFolder: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    await syncFolder(bucketFolder);
    return await open(path, 'wx');
  }
}
