import { lstatSync, mkdirSync, realpathSync, rmdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ObjectError, type ObjectErrorReason } from '../objects.ts';

/** Folder in each bucket for what isn't a plain file: writes under way, older versions, keys no file can have. */
export const RESERVED = '.ocellus';

const DATA = join(RESERVED, 'data');

/** A file of a bucket. */
export interface PlainFile {
  path: string;
  /** Size and time of change: the same for as long as nobody writes to the file, also when it is renamed. */
  identity: string;
  size: number;
  /** Milliseconds. */
  modified: number;
}

/** Where the bytes of the object with this id lie when they aren't the file named by its key. */
export function dataPath(bucketFolder: string, id: string): string {
  return join(bucketFolder, DATA, id);
}

export function dataFolder(bucketFolder: string): string {
  return join(bucketFolder, DATA);
}

/**
 * The file that a key names, or undefined for keys that no file may have: with an empty part (`a//b`, `a/`), `.` or
 * `..` in them, in the reserved folder, or with a backslash or a colon, which mean something on Windows.
 */
export function plainPath(bucketFolder: string, key: string): string | undefined {
  if (/[\0\\]/.test(key) || (process.platform === 'win32' && key.includes(':'))) return undefined;
  const parts = key.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  if (parts[0]!.toLowerCase() === RESERVED) return undefined;
  return join(bucketFolder, ...parts);
}

/**
 * The regular file at a path, or undefined. A path through a link isn't taken, so nothing outside the bucket is; nor
 * is one that differs from the file's real name, which a file system that knows no case or no normalisation allows.
 */
export function statPlain(path: string | undefined): PlainFile | undefined {
  if (path === undefined) return undefined;
  try {
    const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!status?.isFile() || realpathSync.native(path) !== path) return undefined;
    return {
      path,
      identity: `${status.size}-${status.mtimeNs}`,
      size: Number(status.size),
      modified: Number(status.mtimeMs),
    };
  } catch {
    return undefined;
  }
}

/** Makes a file's folder and answers with the folders whose entries are new, for `syncFolder`. */
export function makeParents(path: string): string[] {
  const folder = dirname(path);
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return [];
  const changed: string[] = [];
  for (let made = folder; made.length >= first.length; made = dirname(made)) changed.push(dirname(made));
  return changed;
}

/** Removes the folders above a removed file that are empty now, up to the bucket. */
export function removeEmptyParents(path: string, bucketFolder: string): void {
  try {
    for (let folder = dirname(path); folder.length > bucketFolder.length; folder = dirname(folder)) {
      rmdirSync(folder);
    }
  } catch {
    // Something is in it.
  }
}

const syncing = new Map<string, { running: Promise<void>; next?: Promise<void> }>();

/** Makes changed names of a folder durable. Calls at the same time share the disk's work. */
export function syncFolder(folder: string): Promise<void> {
  const current = syncing.get(folder);
  if (!current) {
    const running = syncNow(folder);
    const entry = { running };
    syncing.set(folder, entry);
    const ended = () => {
      if (syncing.get(folder) === entry) syncing.delete(folder);
    };
    running.then(ended, ended);
    return running;
  }
  // The one under way may have begun before our change: wait for the one after it, with everyone else who does.
  current.next ??= current.running.then(
    () => restart(folder),
    () => restart(folder),
  );
  return current.next;
}

function restart(folder: string): Promise<void> {
  syncing.delete(folder);
  return syncFolder(folder);
}

async function syncNow(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const REASONS: Record<string, ObjectErrorReason> = {
  ENOENT: 'no-key',
  ENOTDIR: 'no-key',
  EISDIR: 'no-key',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ELOOP: 'denied',
  ENAMETOOLONG: 'bad-key',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
};

/** Any error as an ObjectError; those of the file system by their code. */
export function wrap(cause: unknown, place: string): ObjectError {
  if (cause instanceof ObjectError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const full = message?.includes('database or disk is full');
  return new ObjectError(full ? 'disk-full' : (REASONS[code] ?? 'io'), `${place}: ${message}`, { cause });
}
