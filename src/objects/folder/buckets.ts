import { randomUUID } from 'node:crypto';
import { linkSync, lstatSync, realpathSync, renameSync, unlinkSync } from 'node:fs';
import {
  constants,
  type FileHandle,
  mkdir,
  open,
  readdir,
  realpath,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isBucketName, noSuchBucket, ObjectError, objectUrl } from '../objects.ts';
import { Catalogue, type Properties, type Versioning } from './catalogue.ts';
import {
  dataFolder,
  dataPath,
  makeParents,
  plainPath,
  RESERVED,
  removeEmptyParents,
  statPlain,
  syncFolder,
  wrap,
} from './files.ts';
import { Listing } from './listing.ts';
import { liveVersions, type Version } from './versions.ts';
import { type Written, writeFile } from './write.ts';

const MAXIMUM_KEY_BYTES = 1024;

/** What is older was left by a process that was killed; no write takes that long. */
const REMAINS_AFTER_MS = 60 * 60 * 1000;

/** A file opened for reading may have been replaced since it was looked up; then it is looked up again. */
const OPEN_ATTEMPTS = 10;

const NOTHING: Properties = { headers: {}, tags: {} };

/** Decides inside a write's transaction, by the version that it would replace, whether it may go on: throws if not. */
export type Condition = (current: Version | undefined) => void;

/**
 * Buckets as folders: the object `KEY` of the bucket `NAME` is the file `root/NAME/KEY` where the file system allows
 * that name. A folder made by hand is a bucket, and so is a link to a folder; a file copied into it is an object.
 *
 * A write makes the file `.ocellus/data/ID` in the bucket, syncs it, commits its row to the catalogue, which is the
 * moment when the object is there, and then gives the file the key's name. When that isn't possible (`a` and `a/b`,
 * `a/`, long names …) the file stays where it is. Older versions are kept in the same place.
 * Every method throws {@link ObjectError}.
 */
export class FolderBuckets {
  readonly root: string;
  readonly catalogue: Catalogue;
  readonly #listing: Listing;

  constructor(root: string) {
    this.root = root;
    this.catalogue = new Catalogue(join(root, RESERVED, 'objects.sqlite'));
    this.#listing = new Listing(this.catalogue);
  }

  close(): void {
    this.catalogue.close();
  }

  async listBuckets(): Promise<{ name: string; created: Date }[]> {
    const buckets: { name: string; created: Date }[] = [];
    for (const name of (await readdir(this.root)).sort()) {
      if (!isBucketName(name)) continue;
      const status = await stat(join(this.root, name)).catch(() => undefined);
      if (status?.isDirectory()) buckets.push({ name, created: status.birthtime });
    }
    return buckets;
  }

  /** Real path of a bucket's folder. */
  async folder(bucket: string): Promise<string> {
    if (!isBucketName(bucket)) throw noSuchBucket(bucket);
    try {
      const path = join(this.root, bucket);
      const folder = await realpath(path);
      // A file system that knows no case finds other buckets, too.
      if (!lstatSync(path).isSymbolicLink() && folder !== join(realpathSync.native(this.root), bucket)) {
        throw noSuchBucket(bucket);
      }
      if (!(await stat(folder)).isDirectory()) throw noSuchBucket(bucket);
      return folder;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw noSuchBucket(bucket);
      throw wrap(cause, bucket);
    }
  }

  /** Makes a bucket's folder; false when it is there already. */
  async createBucket(bucket: string, region: string): Promise<boolean> {
    try {
      await mkdir(join(this.root, bucket));
      await syncFolder(this.root);
      await this.catalogue.change(() => {
        this.catalogue.forget(bucket);
        this.catalogue.setRegion(bucket, region);
      });
      return true;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw wrap(cause, bucket);
    }
  }

  /** Removes a bucket without objects; false when it has some, or files that are none. */
  async deleteBucket(bucket: string): Promise<boolean> {
    const folder = await this.folder(bucket);
    for await (const _ of this.#listing.versions(bucket, folder, '')) return false;
    try {
      if (await removeFolders(folder)) return false;
      await this.catalogue.change(() => this.catalogue.forget(bucket));
      await rm(join(folder, RESERVED), { recursive: true, force: true });
      if (lstatSync(join(this.root, bucket)).isSymbolicLink()) unlinkSync(join(this.root, bucket));
      else await rmdir(folder);
      await syncFolder(this.root);
      return true;
    } catch (cause) {
      throw wrap(cause, bucket);
    }
  }

  versioning(bucket: string): Versioning | undefined {
    return this.catalogue.versioning(bucket);
  }

  /** All versions of a key, the newest first. */
  async versions(bucket: string, key: string): Promise<Version[]> {
    return this.#versions(bucket, await this.folder(bucket), key);
  }

  #versions(bucket: string, folder: string, key: string): Version[] {
    return liveVersions(folder, key, this.catalogue.rows(bucket, key), statPlain(plainPath(folder, key)));
  }

  /** A bucket's versions and delete markers by key from `lower` on, a key's newest first. */
  async *walk(bucket: string, lower: string): AsyncGenerator<Version[]> {
    yield* this.#listing.versions(bucket, await this.folder(bucket), lower);
  }

  /** Opens the file of the version that `choose` picks of a key's versions. The caller closes the handle. */
  async open<Chosen extends Version | undefined>(
    bucket: string,
    key: string,
    choose: (versions: Version[]) => Chosen,
  ): Promise<{ version: Chosen & Version; handle: FileHandle }> {
    const folder = await this.folder(bucket);
    for (let attempt = 1; ; attempt++) {
      const version = choose(this.#versions(bucket, folder, key));
      if (!version) throw missing(bucket, key, folder);
      const handle = await openUnchanged(version).catch((cause) => {
        throw wrap(cause, objectUrl({ bucket, key }));
      });
      if (handle) return { version: version as Chosen & Version, handle };
      if (attempt === OPEN_ATTEMPTS)
        throw new ObjectError('io', `${objectUrl({ bucket, key })} keeps changing.`);
    }
  }

  /** Writes bytes to a file of the bucket that is no object yet: `insert` makes it one, else it is to be removed. */
  async writeData(
    bucket: string,
    key: string,
    body: AsyncIterable<Uint8Array> | Uint8Array,
  ): Promise<Written> {
    checkKey(bucket, key);
    const folder = await this.folder(bucket);
    try {
      return await writeFile(folder, body);
    } catch (cause) {
      throw wrap(cause, objectUrl({ bucket, key }));
    }
  }

  /** Stores an object and answers with its version. The body's iterator may throw to refuse it. */
  async put(
    bucket: string,
    key: string,
    body: AsyncIterable<Uint8Array> | Uint8Array,
    properties: Properties | ((written: Written) => Properties) = NOTHING,
    condition: Condition = () => {},
  ): Promise<{ version: Version; versioned: boolean }> {
    const written = await this.writeData(bucket, key, body);
    try {
      const given = typeof properties === 'function' ? properties(written) : properties;
      return await this.insert(bucket, key, { ...written, properties: given }, condition);
    } catch (error) {
      await rm(written.path, { force: true });
      throw error;
    }
  }

  /** Makes written bytes the newest version of a key. `also` runs in the same transaction. */
  async insert(
    bucket: string,
    key: string,
    written: Written & { properties: Properties },
    condition: Condition,
    also: () => void = () => {},
  ): Promise<{ version: Version; versioned: boolean }> {
    const folder = await this.folder(bucket);
    const { id, identity, size, modified, etag, properties, path } = written;
    const added = await this.catalogue
      .change(() => {
        const [current] = this.#versions(bucket, folder, key);
        condition(current?.marker ? undefined : current);
        this.#adopt(bucket, current);
        const versioning = this.catalogue.versioning(bucket);
        const nullVersion = versioning !== 'Enabled';
        const row = { id, key, nullVersion, marker: false, identity, size, modified, etag, properties };
        this.catalogue.insert(bucket, row);
        also();
        return { version: { ...row, path }, versioned: versioning !== undefined };
      })
      .catch((cause) => {
        throw wrap(cause, objectUrl({ bucket, key }));
      });
    await this.#settle(bucket, folder, key);
    return added;
  }

  /**
   * Deletes a key: for good in a bucket without versions, else by a marker. Answers with the marker.
   * A key that isn't there is no error.
   */
  async delete(bucket: string, key: string): Promise<Version | undefined> {
    const folder = await this.folder(bucket);
    const versioning = this.catalogue.versioning(bucket);
    if (!versioning) {
      for (const version of this.#versions(bucket, folder, key)) await this.#remove(bucket, folder, version);
      return undefined;
    }
    const marker = {
      id: randomUUID(),
      key,
      nullVersion: versioning === 'Suspended',
      marker: true,
      identity: '',
      size: 0,
      modified: Date.now(),
      etag: '',
      properties: NOTHING,
    };
    await this.catalogue.change(() => {
      this.#adopt(bucket, this.#versions(bucket, folder, key)[0]);
      this.catalogue.insert(bucket, marker);
    });
    await this.#settle(bucket, folder, key);
    return { ...marker, path: '' };
  }

  /** Removes one version of a key for good; the one before it becomes the newest. */
  async deleteVersion(bucket: string, version: Version): Promise<void> {
    const folder = await this.folder(bucket);
    await this.#remove(bucket, folder, version);
    await this.#settle(bucket, folder, version.key);
  }

  /** Replaces what is said of a version, its tags for example. */
  async setProperties(bucket: string, version: Version, properties: Properties): Promise<void> {
    await this.catalogue.change(() => {
      if (version.id) this.catalogue.setProperties(version.id, properties);
      else this.#adopt(bucket, { ...version, properties });
    });
  }

  /** A row for a file that was copied in by hand, since what comes next needs to know it. */
  #adopt(bucket: string, version: Version | undefined): void {
    if (version && version.id === undefined) this.catalogue.insert(bucket, { ...version, id: randomUUID() });
  }

  async #remove(bucket: string, folder: string, { id, key, nullVersion, identity }: Version): Promise<void> {
    const path = plainPath(folder, key);
    // In one step, and not by where its bytes were when somebody asked: another request may have published it since.
    const unlinked = await this.catalogue
      .change(() => {
        // The file first: when a crash comes between, a row without bytes is nothing, a file without a row an object.
        const isPlain = path !== undefined && statPlain(path)?.identity === identity;
        if (isPlain) unlinkSync(path);
        if (id !== undefined) this.catalogue.remove(id);
        for (const row of nullVersion ? this.catalogue.rows(bucket, key) : []) {
          if (row.nullVersion) this.catalogue.remove(row.id);
        }
        return isPlain;
      })
      .catch((cause) => {
        throw wrap(cause, objectUrl({ bucket, key }));
      });
    if (unlinked) {
      await syncFolder(dirname(path!)).catch(() => {});
      removeEmptyParents(path!, folder);
    }
    if (id !== undefined) await rm(dataPath(folder, id), { force: true });
  }

  /** Gives the newest version its plain name, and forgets the versions that it replaced. */
  async #settle(bucket: string, folder: string, key: string): Promise<void> {
    const changed = this.#publish(bucket, folder, key);
    await Promise.all(changed.map((path) => syncFolder(path).catch(() => {})));
    const live = new Set(this.#versions(bucket, folder, key).map(({ id }) => id));
    const dead = this.catalogue.rows(bucket, key).filter(({ id }) => !live.has(id));
    if (dead.length === 0) return;
    await this.catalogue.change(() => {
      for (const { id } of dead) this.catalogue.remove(id);
    });
    for (const { id } of dead) await rm(dataPath(folder, id), { force: true });
  }

  /**
   * Synchronous, so that nothing comes between its steps, and the crash of the process between them harms nobody:
   * the rows tell which file has whose bytes. Answers with the folders to be synced.
   */
  #publish(bucket: string, folder: string, key: string): string[] {
    const [newest, ...older] = this.#versions(bucket, folder, key);
    const path = plainPath(folder, key);
    if (path === undefined || !newest || newest.path === path) return [];
    try {
      const inTheWay = older.find((version) => version.path === path);
      if (inTheWay) linkSync(path, dataPath(folder, inTheWay.id!));
      const plain = statPlain(path);
      // A link, or on some file systems the file of another key, for example one that differs in case.
      if (!plain && lstatSync(path, { throwIfNoEntry: false })) return [];
      if (newest.marker) {
        if (!plain) return [];
        unlinkSync(path);
        removeEmptyParents(path, folder);
        return [dataFolder(folder), dirname(path)];
      }
      if (!isReal(deepestExisting(dirname(path)))) return [];
      const made = makeParents(path);
      renameSync(newest.path, path);
      return [...made, dirname(path), dataFolder(folder)];
    } catch {
      // No such name on this file system: the object stays where it is.
      removeEmptyParents(path, folder);
      return [];
    }
  }

  /** Removes what killed processes have left of unfinished writes. */
  async removeRemains(): Promise<void> {
    const latest = Date.now() - REMAINS_AFTER_MS;
    for (const bucket of await readdir(this.root)) {
      const folder = dataFolder(join(this.root, bucket));
      for (const name of await readdir(folder).catch(() => [])) {
        const file = join(folder, name);
        if ((await stat(file)).mtimeMs < latest && !this.catalogue.owns(name))
          await rm(file, { force: true });
      }
    }
  }
}

/** The folder itself, or the closest one above it that is there. */
function deepestExisting(folder: string): string {
  return lstatSync(folder, { throwIfNoEntry: false }) ? folder : deepestExisting(dirname(folder));
}

const isReal = (path: string) => realpathSync.native(path) === path;

/** Why there is nothing to open: also a link, which is not followed, and a key that can't be. */
function missing(bucket: string, key: string, folder: string): ObjectError {
  const path = plainPath(folder, key);
  const isLink = path !== undefined && !isAbsent(path) && !statPlain(path);
  if (isLink && leadsElsewhere(path)) {
    return new ObjectError(
      'denied',
      `${objectUrl({ bucket, key })}: links inside a bucket are not followed.`,
    );
  }
  return new ObjectError('no-key', `${objectUrl({ bucket, key })} does not exist.`);
}

function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return true;
  }
}

function leadsElsewhere(path: string): boolean {
  try {
    const real = realpathSync.native(path);
    return real.normalize().toLowerCase() !== path.normalize().toLowerCase();
  } catch {
    return false;
  }
}

function checkKey(bucket: string, key: string): void {
  const refuse = (why: string) =>
    new ObjectError('bad-key', `${objectUrl({ bucket, key })}: the key ${why}.`);
  if (key === '') throw refuse('is empty');
  if (Buffer.byteLength(key) > MAXIMUM_KEY_BYTES) throw refuse(`is longer than ${MAXIMUM_KEY_BYTES} bytes`);
  if (key.includes('\0')) throw refuse('has a NUL in it');
}

/** The version's file, or undefined when it isn't there any more or has other bytes now. */
async function openUnchanged({ path, identity }: Version): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const status = await handle.stat({ bigint: true });
  if (`${status.size}-${status.mtimeNs}` === identity) return handle;
  await handle.close();
  return undefined;
}

/** Removes the folders in a folder, but no file. True when something else is in them. */
async function removeFolders(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === RESERVED) continue;
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || (await removeFolders(path))) return true;
    await rmdir(path);
  }
  return false;
}
