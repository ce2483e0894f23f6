import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ObjectError,
  type ObjectErrorReason,
  type ObjectRef,
  type ObjectStore,
} from '../src/objects/objects.ts';

/** An object store with two empty buckets: one that keeps versions, and one that doesn't. */
export interface StoreUnderTest {
  objects: ObjectStore;
  plain: string;
  versioned: string;
}

export async function reasonOf(work: Promise<unknown>): Promise<ObjectErrorReason> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ObjectError);
  expect(error.message).not.toBe('');
  return error.reason;
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What holds for every object store, whatever is behind it. */
export function objectStoreCases(name: string, current: () => StoreUnderTest): void {
  const fresh = (key = 'object'): ObjectRef => ({ bucket: current().plain, key: `${randomUUID()}/${key}` });
  const write = (ref: ObjectRef, text: string) => current().objects.write(ref, Buffer.from(text));
  const read = async (ref: ObjectRef) => (await current().objects.read(ref, 1e9)).toString();

  describe(name, () => {
    test('an object is written, replaced and read back', async () => {
      const { objects } = current();
      const ref = fresh('train/größe 1 +%.jpg');
      expect(await write(ref, 'first')).toEqual({});
      await write(ref, 'second');
      expect(await objects.head(ref)).toEqual({ size: 6 });
      expect(await read(ref)).toBe('second');
      expect((await gather(await objects.stream(ref))).toString()).toBe('second');
    });

    test('a range is a part of the object', async () => {
      const { objects } = current();
      const ref = fresh();
      await write(ref, '0123456789');
      const range = async (start: number, end: number) =>
        (await gather(await objects.stream(ref, { start, end }))).toString();
      expect(await range(0, 0)).toBe('0');
      expect(await range(3, 6)).toBe('3456');
      expect(await range(8, 9)).toBe('89');
    });

    test.each([
      ['nothing', 0, 1],
      ['some bytes', 1000, 7],
      ['more than one part of an upload', 34 * 1024 * 1024 + 5, 1_000_003],
      ['two whole parts', 32 * 1024 * 1024, 4 * 1024 * 1024],
    ])('a stream of %s is written whole', async (_, size, piece) => {
      const { objects } = current();
      const bytes = randomBytes(size);
      const ref = fresh();
      await objects.write(ref, pieces(bytes, piece));
      expect(await objects.head(ref)).toEqual({ size });
      expect(bytes.equals(await gather(await objects.stream(ref)))).toBe(true);
      expect(bytes.equals(await objects.read(ref, size))).toBe(true);
    });

    test('a stream that breaks leaves the old object', async () => {
      const { objects } = current();
      for (const size of [10, 40 * 1024 * 1024]) {
        const ref = fresh();
        await write(ref, 'old');
        async function* broken() {
          yield Buffer.alloc(size);
          throw new Error('the source broke');
        }
        expect(await reasonOf(objects.write(ref, broken()))).toBe('io');
        expect(await read(ref)).toBe('old');
      }
    });

    test('of two writes at the same time one wins, whole', async () => {
      const { objects } = current();
      const ref = fresh();
      const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(200_000 + i, String(i)));
      await Promise.all(bodies.map((body) => objects.write(ref, body)));
      const stored = await objects.read(ref, 1e9);
      expect(bodies.some((body) => body.equals(stored))).toBe(true);
    });

    test('what is too large is refused', async () => {
      const ref = fresh();
      await write(ref, '12345');
      expect(await reasonOf(current().objects.read(ref, 4))).toBe('too-large');
      expect((await current().objects.read(ref, 5)).length).toBe(5);
    });

    test('what is not there has its reason', async () => {
      const { objects } = current();
      const missing = fresh();
      const nowhere = { bucket: `absent-${randomUUID()}`, key: 'a' };
      for (const [ref, reason] of [
        [missing, 'no-key'],
        [nowhere, 'no-bucket'],
      ] as const) {
        expect(await reasonOf(objects.head(ref))).toBe(reason);
        expect(await reasonOf(objects.read(ref, 9))).toBe(reason);
        expect(await reasonOf(objects.stream(ref))).toBe(reason);
      }
      expect(await reasonOf(write(nowhere, ''))).toBe('no-bucket');
      expect(await objects.hasBucket(nowhere.bucket)).toBe(false);
      expect(await objects.hasBucket('')).toBe(false);
      expect(await objects.hasBucket('../plain')).toBe(false);
      expect(await objects.hasBucket(missing.bucket)).toBe(true);
    });

    test('a bucket that keeps versions gives each of them', async () => {
      const { objects, versioned: bucket } = current();
      const ref = { bucket, key: randomUUID() };
      const first = await write(ref, 'first');
      const second = await write(ref, 'second');
      expect(first.version).toEqual(expect.any(String));
      expect(second.version).not.toBe(first.version);
      expect(await objects.head(ref)).toEqual({ size: 6, ...second });
      expect(await read(ref)).toBe('second');
      expect(await read({ ...ref, ...first })).toBe('first');
      expect(await objects.head({ ...ref, ...first })).toEqual({ size: 5, ...first });
      expect((await gather(await objects.stream({ ...ref, ...first }))).toString()).toBe('first');
      const other = { bucket, key: randomUUID() };
      expect(['no-key', 'bad-version']).toContain(await reasonOf(objects.read({ ...other, ...first }, 9)));
      const wrong = { ...ref, version: randomUUID() };
      expect(await reasonOf(objects.read(wrong, 9))).toBe('bad-version');
      expect(await reasonOf(objects.stream(wrong))).toBe('bad-version');
    });

    test('keys are listed by prefix, in the order of their bytes', async () => {
      const { objects, plain: bucket } = current();
      const prefix = `${randomUUID()}/`;
      const names = ['b', 'a.txt', 'a/b', 'a/c/d', 'a b', 'ä', 'Z', 'a-1', '😀', '\uffee', 'a+b%20&<>"'];
      for (const key of names) await write({ bucket, key: prefix + key }, key);
      await write({ bucket, key: randomUUID() }, '');
      const listed: { key: string; size: number }[] = [];
      for await (const object of objects.list(bucket, prefix)) listed.push(object);
      const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(listed).toEqual(sorted.map((key) => ({ key: prefix + key, size: Buffer.byteLength(key) })));
      const list = objects.list(`absent-${randomUUID()}`, '')[Symbol.asyncIterator]();
      expect(await reasonOf(list.next())).toBe('no-bucket');
    });
  });
}
