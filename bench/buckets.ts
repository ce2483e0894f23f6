// Throughput of folder buckets through the S3 endpoint, as ratios against copies of the same files in the same run:
//   node bench/buckets.ts [IMAGES] [KEYS]
// prints the table that is in bench/buckets.md. Uploads are durable when they are answered, so there is a copy that
// syncs each file, too.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server.ts';
import { inParallel } from '../src/training/parallel.ts';

const [images = 10_000, keys = 250_000] = process.argv.slice(2).map(Number);
const BYTES = 50_000;
const PARALLEL = 16;
const Bucket = 'images';
const KEYS = { accessKeyId: 'AKIABENCH', secretAccessKey: 'secret' };

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

async function copyFiles(from: string, to: string, names: string[], sync: boolean): Promise<void> {
  await mkdir(to);
  await inParallel(names, PARALLEL, async (name) => {
    const bytes = await readFile(join(from, name));
    await using file = await open(join(to, name), 'w');
    await file.writeFile(bytes);
    if (sync) await file.sync();
  });
}

const directory = await mkdtemp(join(process.env.BENCH_DIR ?? tmpdir(), 'ocellus-bench-'));
const source = join(directory, 'source');
const buckets = join(directory, 'data/buckets');
await mkdir(source);
const names = Array.from({ length: images }, (_, i) => `image-${String(i).padStart(6, '0')}.jpg`);
for (const name of names) await writeFile(join(source, name), randomBytes(BYTES));
await mkdir(join(buckets, Bucket), { recursive: true });

const server = await startServer(
  readConfig({
    OCELLUS_PORT: '0',
    OCELLUS_DATA_DIR: join(directory, 'data'),
    OCELLUS_ACCESS_KEY_ID: KEYS.accessKeyId,
    OCELLUS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  }),
);
const s3 = new S3Client({ endpoint: server.url, region: 'us-east-1', credentials: KEYS });

const copy = await seconds(() => copyFiles(source, join(directory, 'copy'), names, false));
const durableCopy = await seconds(() => copyFiles(source, join(directory, 'durable-copy'), names, true));
const up = await seconds(() =>
  inParallel(names, PARALLEL, async (Key) => {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: await readFile(join(source, Key)) }));
  }),
);
const down = await seconds(async () => {
  await mkdir(join(directory, 'down'));
  await inParallel(names, PARALLEL, async (Key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    await writeFile(join(directory, 'down', Key), await Body!.transformToByteArray());
  });
});

async function list(bucket: string): Promise<number> {
  let count = 0;
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken }));
    count += page.KeyCount ?? 0;
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return count;
}

const many = join(buckets, 'many');
for (let folder = 0; folder < keys / 1000; folder++) {
  await mkdir(join(many, `part-${folder}`), { recursive: true });
  for (let i = 0; i < 1000; i++) await writeFile(join(many, `part-${folder}/${i}`), '');
}
let files = 0;
const walk = await seconds(async () => {
  files = (await readdir(many, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  ).length;
});
let listed = 0;
const listing = await seconds(async () => {
  listed = await list('many');
});
if (listed !== files) throw new Error(`${listed} keys listed of ${files}`);

const rate = (time: number) => `${Math.round(images / time)} images/s`;
const ratio = (time: number, reference: number) => (reference / time).toFixed(2);
console.log(`| what | measured | ratio |
|---|---|---|
| copy of ${images} files of ${BYTES / 1000} kB | ${rate(copy)} | 1 |
| the same, each file synced | ${rate(durableCopy)} | ${ratio(durableCopy, copy)} |
| upload (durable) | ${rate(up)} | ${ratio(up, copy)} of the copy, ${ratio(up, durableCopy)} of the synced copy |
| download | ${rate(down)} | ${ratio(down, copy)} of the copy |
| names of ${files} files read from their folders | ${walk.toFixed(1)} s | 1 |
| listing them in pages of 1000 | ${listing.toFixed(1)} s, ${Math.round(files / listing)} keys/s | ${ratio(listing, walk)} |`);

s3.destroy();
await server.close();
await rm(directory, { recursive: true });
