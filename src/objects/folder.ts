import type { FileHandle } from 'node:fs/promises';
import { FolderBuckets } from './folder/buckets.ts';
import { wrap } from './folder/files.ts';
import { type Version, versionId } from './folder/versions.ts';
import {
  type ByteRange,
  ObjectError,
  type ObjectRef,
  type ObjectStatus,
  type ObjectStore,
  objectUrl,
  type WriteOptions,
} from './objects.ts';

/** Buckets in folders of this machine, see {@link FolderBuckets}. */
export class FolderObjects implements ObjectStore {
  readonly parallelReads = 4;
  readonly buckets: FolderBuckets;

  constructor(root: string) {
    this.buckets = new FolderBuckets(root);
  }

  close(): void {
    this.buckets.close();
  }

  async hasBucket(bucket: string): Promise<boolean> {
    try {
      await this.buckets.folder(bucket);
      return true;
    } catch (cause) {
      const error = wrap(cause, bucket);
      if (error.reason === 'io') throw error;
      return false;
    }
  }

  async head(ref: ObjectRef): Promise<ObjectStatus> {
    const { handle, version } = await this.#open(ref);
    await handle.close();
    return { size: version.size, ...this.#versionOf(ref.bucket, version) };
  }

  async read(ref: ObjectRef, maximumBytes: number): Promise<Buffer> {
    const { handle, version } = await this.#open(ref);
    try {
      if (version.size > maximumBytes) {
        throw new ObjectError(
          'too-large',
          `${objectUrl(ref)} has ${version.size} bytes, more than ${maximumBytes}.`,
        );
      }
      return await readWhole(handle, version.size);
    } catch (cause) {
      throw wrap(cause, objectUrl(ref));
    } finally {
      await handle.close();
    }
  }

  async stream(ref: ObjectRef, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const { handle } = await this.#open(ref);
    return handle.createReadStream(range);
  }

  async write(
    ref: Omit<ObjectRef, 'version'>,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    { kmsKeyId }: WriteOptions = {},
  ): Promise<{ version?: string }> {
    if (kmsKeyId) {
      throw new ObjectError('unsupported', `${objectUrl(ref)}: folder buckets do not encrypt objects.`);
    }
    const { version } = await this.buckets.put(ref.bucket, ref.key, body);
    return this.#versionOf(ref.bucket, version);
  }

  async *list(bucket: string, prefix: string): AsyncIterable<{ key: string; size: number }> {
    for await (const [newest] of this.buckets.walk(bucket, prefix)) {
      if (!newest!.key.startsWith(prefix)) return;
      if (!newest!.marker) yield { key: newest!.key, size: newest!.size };
    }
  }

  #versionOf(bucket: string, version: Version): { version?: string } {
    return this.buckets.versioning(bucket) ? { version: versionId(version) } : {};
  }

  async #open(ref: ObjectRef): Promise<{ handle: FileHandle; version: Version }> {
    return await this.buckets.open(ref.bucket, ref.key, (versions) => choose(ref, versions));
  }
}

function choose(ref: ObjectRef, [newest, ...older]: Version[]): Version | undefined {
  if (ref.version === undefined) return newest?.marker ? undefined : newest;
  const all = newest ? [newest, ...older] : [];
  const version = all.find((one) => versionId(one) === ref.version);
  if (version && !version.marker) return version;
  const message = `${objectUrl(ref)} has no version ${ref.version}.`;
  throw new ObjectError(newest ? 'bad-version' : 'no-key', message);
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
