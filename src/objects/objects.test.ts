import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { objectStoreCases, reasonOf } from '../../test/object-store-cases.ts';
import { createS3Handler } from '../s3/server.ts';
import { FolderObjects } from './folder.ts';
import { S3Objects, type S3Settings } from './s3.ts';

// The S3 backend runs against our own endpoint here, and against those of other makes in test/s3-peers.test.ts.

const KEYS = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };

let directory: string;
let folder: FolderObjects;
let server: Server;
let remote: S3Objects;
let settings: S3Settings;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-objects-'));
  folder = new FolderObjects(directory);
  for (const bucket of ['plain', 'versioned']) await folder.buckets.createBucket(bucket, 'us-east-1');
  await folder.buckets.catalogue.change(() => folder.buckets.catalogue.setVersioning('versioned', 'Enabled'));
  const principal = { secretAccessKey: KEYS.secretAccessKey, arn: '', account: '000000000000' };
  const handler = createS3Handler({
    buckets: folder.buckets,
    credentials: { find: async (id) => (id === KEYS.accessKeyId ? principal : undefined) },
    region: 'us-east-1',
    accountId: '000000000000',
    domain: 'localhost',
    logger: { info() {}, warn() {}, error: (...all) => console.error(...all) },
  });
  server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  settings = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    pathStyle: true,
    credentials: KEYS,
  };
  remote = new S3Objects(settings);
});

afterAll(async () => {
  remote.close();
  server.closeAllConnections();
  server.close();
  folder.close();
  await rm(directory, { recursive: true });
});

const buckets = { plain: 'plain', versioned: 'versioned' };
objectStoreCases('folder buckets', () => ({ objects: folder, ...buckets }));
objectStoreCases('buckets of an S3 service', () => ({ objects: remote, ...buckets }));

test('folders refuse to encrypt, and so does a service that cannot', async () => {
  const ref = { bucket: 'plain', key: 'secret' };
  for (const objects of [folder, remote]) {
    expect(await reasonOf(objects.write(ref, Buffer.from(''), { kmsKeyId: 'alias/key' }))).toBe(
      'unsupported',
    );
  }
});

test('a key pair that the service does not know, or a wrong secret, is denied', async () => {
  const ref = { bucket: 'plain', key: 'a' };
  await remote.write(ref, Buffer.from(''));
  for (const credentials of [
    { ...KEYS, accessKeyId: 'AKIAOTHER' },
    { ...KEYS, secretAccessKey: 'other' },
  ]) {
    const stranger = new S3Objects({ ...settings, credentials });
    expect(await reasonOf(stranger.read(ref, 9))).toBe('denied');
    expect(await reasonOf(stranger.head(ref))).toBe('denied');
    expect(await reasonOf(stranger.write(ref, Buffer.from('')))).toBe('denied');
    expect(await stranger.hasBucket('plain')).toBe(false);
    stranger.close();
  }
});

test('a service that cannot be reached is a failure of its own, not an absent bucket', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const objects = new S3Objects({ ...settings, endpoint: `http://127.0.0.1:${port}` });
  expect(await reasonOf(objects.hasBucket('plain'))).toBe('io');
  expect(await reasonOf(objects.read({ bucket: 'plain', key: 'a' }, 9))).toBe('io');
  objects.close();
});

/** A service that answers with what the test says, in turn. */
async function scripted(answers: ((url: string, range?: string) => Response)[]) {
  const seen: { range: string | undefined; match: string | undefined }[] = [];
  const service = createServer((request, response) => {
    const { range, 'if-match': match } = request.headers;
    const answer = answers[Math.min(seen.length, answers.length - 1)]!(request.url!, range);
    seen.push({ range, match });
    response.writeHead(answer.status, answer.headers);
    response.write(answer.body, () => (answer.cut ? response.destroy() : response.end()));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  const objects = new S3Objects({ ...settings, endpoint: `http://127.0.0.1:${port}` });
  const close = () => {
    objects.close();
    service.closeAllConnections();
    service.close();
  };
  return { objects, seen, close };
}

interface Response {
  status: number;
  headers?: Record<string, string>;
  body: string;
  /** The connection breaks after the body. */
  cut?: boolean;
}

const failure = (status: number, code: string): Response => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<Error><Code>${code}</Code><Message>said the service</Message></Error>`,
});

test.each([
  [301, 'PermanentRedirect', 'wrong-region'],
  [400, 'AuthorizationHeaderMalformed', 'wrong-region'],
  [400, 'IllegalLocationConstraintException', 'wrong-region'],
  [403, 'AccessDenied', 'denied'],
  [403, 'SomethingNew', 'denied'],
  [404, 'NoSuchVersion', 'bad-version'],
  [501, 'NotImplemented', 'unsupported'],
])('%s %s is %s', async (status, code, reason) => {
  const { objects, close } = await scripted([() => failure(status, code)]);
  expect(await reasonOf(objects.read({ bucket: 'bucket', key: 'k' }, 9))).toBe(reason);
  close();
});

test('a service that is busy for a moment is asked again', async () => {
  const { objects, seen, close } = await scripted([
    () => failure(503, 'SlowDown'),
    () => ({ status: 200, headers: { 'content-length': '2', etag: '"1"' }, body: 'ok' }),
  ]);
  expect((await objects.read({ bucket: 'bucket', key: 'k' }, 9)).toString()).toBe('ok');
  expect(seen).toHaveLength(2);
  close();
});

test('an object whose connection breaks is read on from there, if it is the same one', async () => {
  const whole = { 'content-length': '10', etag: '"1"' };
  const { objects, seen, close } = await scripted([
    () => ({ status: 200, headers: whole, body: '0123', cut: true }),
    (_, range) => {
      const start = Number(/bytes=(\d+)-9/.exec(range!)![1]);
      const body = '0123456789'.slice(start);
      return { status: 206, headers: { 'content-length': String(body.length), etag: '"1"' }, body };
    },
  ]);
  expect((await objects.read({ bucket: 'bucket', key: 'k' }, 99)).toString()).toBe('0123456789');
  expect(seen.map(({ match }) => match)).toEqual([undefined, '"1"']);
  close();
});
