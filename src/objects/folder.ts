import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { ObjectError, type ObjectErrorReason, type ObjectRef, type ObjectStore } from './objects.ts';

/** Files being written lie here, in each bucket's own folder since a bucket may be a link to another disk. */
const TEMPORARY = '.ocellus-writing';

/** S3's rules for names of old, which allow more than today's: capital letters and underscores. */
const BUCKET_NAME = /^[0-9A-Za-z][0-9A-Za-z._-]{1,253}[0-9A-Za-z]$/;

/** What is older was left by a process that was killed; no write takes that long. */
const REMAINS_AFTER_MS = 60 * 60 * 1000;

const MAXIMUM_KEY_BYTES = 1024;
const MAXIMUM_SEGMENT_BYTES = 255;

const REASONS: Record<string, ObjectErrorReason> = {
  ENOENT: 'no-key',
  ENOTDIR: 'no-key',
  EISDIR: 'no-key',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ELOOP: 'denied',
  ENAMETOOLONG: 'bad-key',
};

function url({ bucket, key }: Pick<ObjectRef, 'bucket' | 'key'>): string {
  return `s3://${bucket}/${key}`;
}

function wrap(cause: unknown, place: string): ObjectError {
  if (cause instanceof ObjectError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new ObjectError(REASONS[code] ?? 'io', `${place}: ${message}`, { cause });
}

/** The parts of a key as names of folders and of a file, none of which leads anywhere else. */
function segments(ref: Pick<ObjectRef, 'bucket' | 'key'>): string[] {
  const refuse = (why: string) => new ObjectError('bad-key', `${url(ref)}: the key ${why}.`);
  if (Buffer.byteLength(ref.key) > MAXIMUM_KEY_BYTES)
    throw refuse(`is longer than ${MAXIMUM_KEY_BYTES} bytes`);
  if (/[\0\\]/.test(ref.key))
    throw refuse('has a backslash or a NUL in it, which a folder bucket cannot keep');
  const parts = ref.key.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw refuse('has an empty part, "." or ".." in it, which a folder bucket cannot keep');
  }
  if (parts.some((part) => Buffer.byteLength(part) > MAXIMUM_SEGMENT_BYTES)) {
    throw refuse(`has a part of more than ${MAXIMUM_SEGMENT_BYTES} bytes`);
  }
  if (parts[0] === TEMPORARY) throw refuse(`begins with ${TEMPORARY}, which is reserved`);
  return parts;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder and the ones above it, so that they outlive a crash. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** The folder itself, or the closest one above it that is there. */
async function deepestExisting(folder: string): Promise<string> {
  try {
    await lstat(folder);
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return await deepestExisting(dirname(folder));
  }
}

async function readWhole(handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(buffer, length, size - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/**
 * Buckets as folders: the object `KEY` of the bucket `NAME` is the file `root/NAME/KEY`. A folder made by hand is a
 * bucket, and so is a link to a folder; a link inside a bucket that leads out of it is refused.
 */
export class FolderObjects implements ObjectStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async hasBucket(bucket: string): Promise<boolean> {
    try {
      await access(await this.#bucket(bucket), constants.R_OK | constants.X_OK);
      return true;
    } catch (cause) {
      const error = wrap(cause, bucket);
      if (error.reason === 'io') throw error;
      return false;
    }
  }

  async head(ref: ObjectRef): Promise<{ size: number }> {
    return await this.#open(ref, async (handle, size) => {
      await handle.close();
      return { size };
    });
  }

  async read(ref: ObjectRef, maximumBytes: number): Promise<Buffer> {
    return await this.#open(ref, async (handle, size) => {
      try {
        if (size > maximumBytes) {
          throw new ObjectError('too-large', `${url(ref)} has ${size} bytes, more than ${maximumBytes}.`);
        }
        return await readWhole(handle, size);
      } finally {
        await handle.close();
      }
    });
  }

  async stream(ref: ObjectRef): Promise<AsyncIterable<Uint8Array>> {
    return await this.#open(ref, async (handle) => handle.createReadStream());
  }

  async write(ref: Omit<ObjectRef, 'version'>, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const parts = segments(ref);
    const bucket = await this.#bucket(ref.bucket);
    const file = join(bucket, ...parts);
    const temporary = join(bucket, TEMPORARY, randomUUID());
    try {
      await this.#stayInside(bucket, await deepestExisting(dirname(file)), ref);
      await makeFolder(dirname(file));
      await mkdir(dirname(temporary), { recursive: true });
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(body);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      await syncFolder(dirname(file));
    } catch (cause) {
      await rm(temporary, { force: true });
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST') {
        const message = `${url(ref)}: in a folder bucket a key can't be an object and the beginning of other keys.`;
        throw new ObjectError('bad-key', message, { cause });
      }
      throw wrap(cause, url(ref));
    }
  }

  /** Removes what killed processes have left of unfinished writes. */
  async removeRemains(): Promise<void> {
    const latest = Date.now() - REMAINS_AFTER_MS;
    for (const bucket of await readdir(this.#root)) {
      const folder = join(this.#root, bucket, TEMPORARY);
      for (const name of await readdir(folder).catch(() => [])) {
        const file = join(folder, name);
        if ((await stat(file)).mtimeMs < latest) await rm(file, { force: true });
      }
    }
  }

  /** Real path of a bucket's folder. */
  async #bucket(bucket: string): Promise<string> {
    const missing = () => new ObjectError('no-bucket', `The bucket ${bucket} does not exist.`);
    if (!BUCKET_NAME.test(bucket)) throw missing();
    try {
      const folder = await realpath(join(this.#root, bucket));
      if (!(await stat(folder)).isDirectory()) throw missing();
      return folder;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw missing();
      throw wrap(cause, bucket);
    }
  }

  async #stayInside(bucket: string, path: string, ref: Pick<ObjectRef, 'bucket' | 'key'>): Promise<string> {
    const real = await realpath(path);
    if (real !== bucket && !real.startsWith(bucket + sep)) {
      throw new ObjectError('denied', `${url(ref)}: a link leads out of the bucket.`);
    }
    return real;
  }

  /** Opens an object for reading; `use` closes the handle. */
  async #open<T>(ref: ObjectRef, use: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
    const parts = segments(ref);
    if (ref.version !== undefined) {
      throw new ObjectError('bad-version', `${url(ref)}: a folder bucket keeps no object versions.`);
    }
    const bucket = await this.#bucket(ref.bucket);
    try {
      const path = await this.#stayInside(bucket, join(bucket, ...parts), ref);
      // NONBLOCK: opening a named pipe would wait for a writer.
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const status = await handle.stat();
      if (!status.isFile()) {
        await handle.close();
        throw new ObjectError('no-key', `${url(ref)} does not exist.`);
      }
      return await use(handle, status.size);
    } catch (cause) {
      throw wrap(cause, url(ref));
    }
  }
}
