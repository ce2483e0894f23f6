import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderObjects } from './folder.ts';
import { ObjectError } from './objects.ts';

let directory: string;
let root: string;
let objects: FolderObjects;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-objects-'));
  root = join(directory, 'buckets');
  await mkdir(join(root, 'parts'), { recursive: true });
  objects = new FolderObjects(root);
});

afterEach(async () => {
  objects.close();
  await rm(directory, { recursive: true });
});

const reason = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ObjectError);
  return (error as ObjectError).reason;
};

async function allFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)\.ocellus\/objects\.sqlite/.test(file));
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('an object is written, replaced and read back, whole or as a stream', async () => {
  const ref = { bucket: 'parts', key: 'train/bolts/größe 1.jpg' };
  await objects.write(ref, Buffer.from('first'));
  await objects.write(ref, Buffer.from('second'));
  expect(await objects.head(ref)).toEqual({ size: 6 });
  expect((await objects.read(ref, 6)).toString()).toBe('second');
  expect(await text(await objects.stream(ref))).toBe('second');
  expect(await readFile(join(root, 'parts/train/bolts/größe 1.jpg'), 'utf8')).toBe('second');
});

test('a folder made by hand is a bucket, a link to a folder too', async () => {
  await mkdir(join(directory, 'elsewhere'));
  await writeFile(join(directory, 'elsewhere/a.txt'), 'a');
  await symlink(join(directory, 'elsewhere'), join(root, 'linked'));
  expect(await objects.hasBucket('linked')).toBe(true);
  expect((await objects.read({ bucket: 'linked', key: 'a.txt' }, 10)).toString()).toBe('a');
  expect(await objects.hasBucket('absent')).toBe(false);
});

test('a stream that breaks leaves the old object and no remains', async () => {
  const ref = { bucket: 'parts', key: 'report.json' };
  await objects.write(ref, Buffer.from('old'));
  async function* broken() {
    yield Buffer.from('ne');
    throw new Error('the source broke');
  }
  expect(await reason(objects.write(ref, broken()))).toBe('io');
  expect((await objects.read(ref, 10)).toString()).toBe('old');
  expect(await allFiles(root)).toEqual(['parts/report.json']);
});

test('what is not there, too large or of an unknown version is refused with its reason', async () => {
  await objects.write({ bucket: 'parts', key: 'a/b' }, Buffer.from('12345'));
  const at = (key: string, bucket = 'parts') => objects.read({ bucket, key }, 4);
  expect(await reason(at('a/b'))).toBe('too-large');
  expect(await reason(at('a/c'))).toBe('no-key');
  expect(await reason(at('a'))).toBe('no-key');
  expect(await reason(at('a/b/c'))).toBe('no-key');
  expect(await reason(at('a/b', 'absent'))).toBe('no-bucket');
  expect(await reason(objects.read({ bucket: 'parts', key: 'a/b', version: '1' }, 9))).toBe('bad-version');
  expect(await reason(objects.write({ bucket: 'absent', key: 'a' }, Buffer.from('')))).toBe('no-bucket');
  expect(await reason(objects.write({ bucket: 'parts', key: 'x'.repeat(1025) }, Buffer.from('')))).toBe(
    'bad-key',
  );
  expect(await reason(objects.write({ bucket: 'parts', key: 'a\0b' }, Buffer.from('')))).toBe('bad-key');
  expect(await reason(objects.write({ bucket: 'parts', key: '' }, Buffer.from('')))).toBe('bad-key');
});

test('links inside a bucket may not lead out of it', async () => {
  await mkdir(join(directory, 'outside'));
  await writeFile(join(directory, 'outside/secret'), 'secret');
  await symlink(join(directory, 'outside'), join(root, 'parts/link'));
  await symlink(join(directory, 'outside/secret'), join(root, 'parts/file'));
  expect(await reason(objects.read({ bucket: 'parts', key: 'link/secret' }, 10))).toBe('denied');
  expect(await reason(objects.read({ bucket: 'parts', key: 'file' }, 10))).toBe('denied');
  for (const key of ['link/new', 'link/deep/new', 'file']) {
    await objects.write({ bucket: 'parts', key }, Buffer.from(key));
    expect((await objects.read({ bucket: 'parts', key }, 100)).toString()).toBe(key);
  }
  expect(await allFiles(join(directory, 'outside'))).toEqual(['secret']);
  expect(await readFile(join(directory, 'outside/secret'), 'utf8')).toBe('secret');
});

test('remains of writes that were killed long ago are removed, others not', async () => {
  const folder = join(root, 'parts/.ocellus/data');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'old'), '');
  await utimes(join(folder, 'old'), 1_500_000_000, 1_500_000_000);
  await writeFile(join(folder, 'new'), '');
  await writeFile(join(root, 'a file among the buckets'), '');
  await objects.buckets.removeRemains();
  expect(await allFiles(folder)).toEqual(['new']);
});

const part = fc.oneof(
  fc.constantFrom('..', '.', '', '...', 'a', 'b', '~', '..\\..', '\0', '.ocellus/data', ' ', '%2e%2e', 'é'),
  fc.string({ maxLength: 5 }),
  fc.constant('x'.repeat(256)),
);
const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));

test('whatever the key and the bucket, nothing outside the bucket is read or written', async () => {
  await writeFile(join(directory, 'a'), 'outside');
  await mkdir(join(root, 'other'));
  await writeFile(join(root, 'other/a'), 'outside');
  await writeFile(join(root, 'a'), 'outside');
  const bucket = fc.oneof({ weight: 4, arbitrary: fc.constant('parts') }, part, path);
  await fc.assert(
    fc.asyncProperty(bucket, path, async (bucket, key) => {
      fc.pre(bucket !== 'other');
      const outcome = await objects.write({ bucket, key }, Buffer.from('inside')).catch((error) => error);
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(ObjectError);
        expect(outcome.message).not.toBe('');
        const read = await objects.read({ bucket, key }, 100).catch((error) => error);
        expect(read).toBeInstanceOf(ObjectError);
      } else {
        expect((await objects.read({ bucket, key }, 100)).toString()).toBe('inside');
      }
      const outside = (await allFiles(directory)).filter((file) => !file.startsWith('buckets/parts/'));
      expect(outside.sort()).toEqual(['a', 'buckets/a', 'buckets/other/a']);
      await rm(join(root, 'parts'), { recursive: true });
      await mkdir(join(root, 'parts'));
    }),
    { numRuns: 300 },
  );
});

test('who only reads leaves no trace', async () => {
  await writeFile(join(root, 'parts/a'), 'a');
  expect((await objects.read({ bucket: 'parts', key: 'a' }, 9)).toString()).toBe('a');
  const listed: string[] = [];
  for await (const { key } of objects.list('parts', '')) listed.push(key);
  expect(listed).toEqual(['a']);
  expect(await readdir(root, { recursive: true })).toEqual(['parts', 'parts/a']);
});
