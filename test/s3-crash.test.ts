import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { CreateProjectCommand, RekognitionClient } from '@aws-sdk/client-rekognition';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createVersion,
  KEYS,
  putColours,
  settled,
  spawnServer,
  startInProcess,
  until,
  Workspace,
} from './harness.ts';

// What a kill, a full disk and a removed bucket leave behind.

const Bucket = 'photos';
let workspace: Workspace;

beforeEach(async () => {
  workspace = await Workspace.create();
});

afterEach(() => workspace.remove());

const clientFor = (endpoint: string) =>
  new S3Client({ endpoint, region: 'us-east-1', credentials: KEYS, maxAttempts: 1 });

const text = async (s3: S3Client, Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();

test('killed in an upload, the server has the old object at its next start', async () => {
  const first = await spawnServer(workspace);
  const s3 = clientFor(first.url);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'old', ContentType: 'text/old' }));
  const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'a' }));
  const upload = request(url, { method: 'PUT', headers: { 'content-length': 10_000_000 } });
  upload.on('error', () => {}); // the server dies
  upload.write(Buffer.alloc(5_000_000));
  const data = join(workspace.directory, 'buckets/photos/.ocellus/data');
  await until(async () => (await readdir(data)).length === 1);
  await first.kill();
  s3.destroy();

  const second = await spawnServer(workspace);
  const again = clientFor(second.url);
  expect(await text(again, 'a')).toBe('old');
  const { ContentType } = await again.send(new GetObjectCommand({ Bucket, Key: 'a' }));
  expect(ContentType).toBe('text/old');
  expect(await readFile(join(data, '../../a'), 'utf8')).toBe('old');
  await again.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'new' }));
  expect(await text(again, 'a')).toBe('new');
  again.destroy();
  await second.kill();
});

test('killed among many uploads, the server has each object whole: the old one or the new one', async () => {
  const first = await spawnServer(workspace);
  const s3 = clientFor(first.url);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const VersioningConfiguration = { Status: 'Enabled' as const };
  const bodies = ['one', 'two two', 'three three three'];
  const put = (Key: string, round: number) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: bodies[round], Metadata: { round: String(round) } }));
  const names = Array.from({ length: 60 }, (_, i) => `k${i}`);
  for (const name of names) await put(name, 0);
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const answered = new Map<string, number>();
  const writes = names.map(async (name) => {
    for (const round of [1, 2]) {
      await put(name, round);
      answered.set(name, round);
    }
  });
  const ended = Promise.allSettled(writes);
  await until(async () => answered.size >= 20);
  await first.kill();
  await ended;
  s3.destroy();

  const second = await spawnServer(workspace);
  const again = clientFor(second.url);
  const { Contents } = await again.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents!.map(({ Key }) => Key)).toEqual(names.toSorted());
  for (const name of names) {
    const { Body, Metadata } = await again.send(new GetObjectCommand({ Bucket, Key: name }));
    const round = Number(Metadata!.round);
    expect(await Body!.transformToString()).toBe(bodies[round]);
    expect(round).toBeGreaterThanOrEqual(answered.get(name) ?? 0);
  }
  again.destroy();
  await second.kill();
});

test('a full disk is said, the old object stays, and nothing is left over', async () => {
  const server = await startInProcess(workspace);
  const s3 = clientFor(server.url);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'old' }));
  // The file system's own answer, put where Node would give it.
  const probe = await open(join(workspace.directory, 'probe'), 'w');
  const handles = Object.getPrototypeOf(probe);
  await probe.close();
  const { write } = handles;
  handles.write = async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  try {
    const error = await s3
      .send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'new' }))
      .catch((thrown) => thrown);
    expect([error.name, error.$metadata.httpStatusCode]).toEqual(['InsufficientStorage', 507]);
  } finally {
    handles.write = write;
  }
  expect(await text(s3, 'a')).toBe('old');
  expect(await readdir(join(workspace.directory, 'buckets/photos/.ocellus/data'))).toEqual([]);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'new' }));
  expect(await text(s3, 'a')).toBe('new');
  s3.destroy();
  await server.close();
});

test('a bucket that is removed in a training ends it with a reason', async () => {
  await putColours(workspace);
  const server = await spawnServer(workspace);
  const rekognition = new RekognitionClient({ endpoint: server.url, region: 'us-east-1', credentials: KEYS });
  const { ProjectArn } = await rekognition.send(new CreateProjectCommand({ ProjectName: 'p' }));
  await createVersion(rekognition, ProjectArn!, 'v1');
  await until(
    async () =>
      server.log(/training: (checking images|decoding images)/) !== undefined ||
      server.log(/(training: started)/) !== undefined,
  );
  await rm(join(workspace.directory, 'buckets/images'), { recursive: true });
  await rm(join(workspace.directory, 'buckets/results'), { recursive: true });
  await mkdir(join(workspace.directory, 'buckets/unrelated'));
  const version = await settled(rekognition, ProjectArn!, 'v1');
  expect(version.Status).toBe('TRAINING_FAILED');
  expect(version.StatusMessage).toMatch(/manifest|bucket|image/i);
  expect(version.StatusMessage).not.toContain('service issue');
  rekognition.destroy();
  await server.kill();
}, 120_000);
