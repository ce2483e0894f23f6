import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { folderDataSet } from './folder.ts';

let root: string;
let photos: string;
const skipped: string[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ocellus-demo-'));
  photos = join(root, 'my photos');
  await mkdir(photos);
  skipped.length = 0;
});
afterEach(() => rm(root, { recursive: true }));

const read = (folder = photos) =>
  folderDataSet(folder, join(root, 'buckets'), (file, reason) => skipped.push(`${file}: ${reason}`));

async function addPhotos(label: string, count: number, side = 64): Promise<void> {
  await mkdir(join(photos, label), { recursive: true });
  const photo = await sharp({ create: { width: side, height: side, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  for (let i = 0; i < count; i++) await writeFile(join(photos, label, `${side}-${i}.JPG`), photo);
}

it('makes a bucket and a manifest of the photographs', async () => {
  await addPhotos('cat', 5);
  await addPhotos('grey dog', 6);
  const data = await read();
  expect(data).toMatchObject({ project: 'my-photos', labels: ['cat', 'grey dog'], training: { images: 11 } });
  const bucket = join(root, 'buckets', data.bucket);
  const lines = (await readFile(join(bucket, data.training.manifest), 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(11);
  const last = JSON.parse(lines.at(-1)!);
  expect(last['source-ref']).toBe(`s3://${data.bucket}/images/grey dog/64-5.JPG`);
  expect(last['label-metadata']['class-name']).toBe('grey dog');
  await expect(readFile(join(bucket, 'images/grey dog/64-5.JPG'))).resolves.not.toHaveLength(0);
});

it('leaves out what the service would not take, and says so', async () => {
  await addPhotos('cat', 5);
  await addPhotos('dog', 5);
  await addPhotos('dog', 1, 20);
  await writeFile(join(photos, 'cat', 'broken.png'), 'not a picture');
  expect((await read()).training.images).toBe(10);
  expect(skipped).toEqual([
    'cat/broken.png: The file is neither a JPEG nor a PNG image.',
    expect.stringMatching(/^dog\/20-0\.JPG: .*below the minimum of 64/),
  ]);
});

it('explains what is missing', async () => {
  await expect(read(join(root, 'nowhere'))).rejects.toThrow('There is no folder');
  await expect(read()).rejects.toThrow('has no sub-folders');
  await mkdir(join(photos, 'cat'));
  await expect(read()).rejects.toThrow('No usable JPEG or PNG images');
  await addPhotos('cat', 5);
  await expect(read()).rejects.toThrow('Only one label has images: "cat"');
  await addPhotos('dog', 1);
  await expect(read()).rejects.toThrow('"dog" has 1');
  await writeFile(join(root, 'file'), '');
  await expect(read(join(root, 'file'))).rejects.toThrow('is a file');
});
