import { createHash, randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  type _Object,
  AbortMultipartUploadCommand,
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KEYS, startInProcess, Workspace } from './harness.ts';

// The S3 endpoint as the SDK for JavaScript sees it, with its own checksums and chunks. Each test has a bucket.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let s3: S3Client;
let Bucket: string;
let folder: string;
let count = 0;

function clientFor(settings: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: KEYS,
    maxAttempts: 1,
    ...settings,
  });
}

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
  s3 = clientFor();
});

afterAll(async () => {
  s3.destroy();
  await server.close();
  await workspace.remove();
});

beforeEach(async () => {
  Bucket = `bucket-${++count}`;
  folder = join(workspace.directory, 'buckets', Bucket);
  await s3.send(new CreateBucketCommand({ Bucket }));
});

const put = (Key: string, Body: string | Uint8Array = Key, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more = {}) => s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
const text = async (Key: string, more = {}) => (await get(Key, more)).Body!.transformToString();
const keys = async () =>
  ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key!);
const enableVersions = (Status: 'Enabled' | 'Suspended' = 'Enabled') =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));

async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(S3ServiceException);
  expect(error.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  return `${error.$metadata.httpStatusCode} ${error.name}`;
}

/** The answer to raw bytes: until the server ends the connection, or only its head. `cut`: no more bytes will come. */
async function exchange(bytes: string | Buffer, until: 'end' | 'head' = 'end', cut = false): Promise<string> {
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  socket.write(bytes);
  if (cut) socket.end();
  let answer = '';
  for await (const chunk of socket) {
    answer += chunk;
    if (until === 'head' && answer.includes('\r\n\r\n')) break;
  }
  return answer;
}

describe('buckets', () => {
  test('are folders: made, listed, found and removed', async () => {
    await mkdir(join(workspace.directory, 'buckets/made_by.Hand'));
    const { Buckets, Owner } = await s3.send(new ListBucketsCommand());
    expect(Buckets!.map(({ Name }) => Name)).toEqual(expect.arrayContaining([Bucket, 'made_by.Hand']));
    expect(Owner?.ID).toBe('000000000000');
    expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe('us-east-1');
    const { LocationConstraint } = await s3.send(new GetBucketLocationCommand({ Bucket }));
    expect(LocationConstraint).toBeUndefined();
    await s3.send(new DeleteBucketCommand({ Bucket }));
    expect(await refusal(s3.send(new HeadBucketCommand({ Bucket })))).toBe('404 NotFound');
    expect(await readdir(join(workspace.directory, 'buckets'))).not.toContain(Bucket);
  });

  test('remember the Region that they were made for', async () => {
    const elsewhere = {
      Bucket: `${Bucket}-eu`,
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' as const },
    };
    await s3.send(new CreateBucketCommand(elsewhere));
    const { LocationConstraint } = await s3.send(new GetBucketLocationCommand({ Bucket: elsewhere.Bucket }));
    expect(LocationConstraint).toBe('eu-west-1');
  });

  test('are not removed while something is in them, also something that is no object', async () => {
    const remove = () => s3.send(new DeleteBucketCommand({ Bucket }));
    await put('a/b');
    expect(await refusal(remove())).toBe('409 BucketNotEmpty');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a/b' }));
    expect(await readdir(folder)).toEqual(['.ocellus']);
    await enableVersions();
    await put('x');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x' }));
    expect(await refusal(remove())).toBe('409 BucketNotEmpty');
    const { Versions, DeleteMarkers } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    for (const { Key, VersionId } of [...Versions!, ...DeleteMarkers!]) {
      await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    }
    await mkdir(join(folder, 'empty/er'), { recursive: true });
    await remove();
    expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe('404 NoSuchBucket');
  });

  test.each(['UPPER', 'a', 'a..b', '1.2.3.4', '-ab', 'ab_c', '.ocellus', 'x'.repeat(64)])(
    'are not made with the name %s',
    async (name) => {
      expect(await refusal(s3.send(new CreateBucketCommand({ Bucket: name })))).toBe('400 InvalidBucketName');
    },
  );

  test('are not made twice', async () => {
    const again = (LocationConstraint: 'eu-west-1') =>
      s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));
    expect(await refusal(again('eu-west-1'))).toBe('409 BucketAlreadyOwnedByYou');
    await s3.send(new CreateBucketCommand({ Bucket })); // as in us-east-1
  });

  test('the name of the bucket may be in the host name', async () => {
    // Not every resolver knows that all names below localhost are this machine.
    const httpAgent = new Agent({ lookup: (_, options, callback) => lookup('127.0.0.1', options, callback) });
    const endpoint = `http://localhost:${server.port}`;
    const virtual = clientFor({ endpoint, forcePathStyle: false, requestHandler: { httpAgent } });
    await virtual.send(new PutObjectCommand({ Bucket, Key: 'a/b c', Body: 'virtual' }));
    expect(await text('a/b c')).toBe('virtual');
    expect((await virtual.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(1);
    const url = await getSignedUrl(virtual, new GetObjectCommand({ Bucket, Key: 'a/b c' }));
    expect(new URL(url).hostname).toBe(`${Bucket}.localhost`);
    const answer = await exchange(
      `GET ${url.slice(new URL(url).origin.length)} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nvirtual$/);
    virtual.destroy();
  });
});

describe('objects', () => {
  test('are files, with their metadata beside', async () => {
    const answer = await put('train/größe 1 +%.jpg', 'body', {
      ContentType: 'image/jpeg',
      CacheControl: 'no-store',
      Metadata: { camera: 'two' },
      Tagging: 'a=1&b=x%20y',
    });
    const etag = `"${createHash('md5').update('body').digest('hex')}"`;
    expect(answer.ETag).toBe(etag);
    expect(await readFile(join(folder, 'train/größe 1 +%.jpg'), 'utf8')).toBe('body');
    const { Body, ...rest } = await get('train/größe 1 +%.jpg');
    expect(await Body!.transformToString()).toBe('body');
    expect(rest).toMatchObject({
      ETag: etag,
      ContentLength: 4,
      ContentType: 'image/jpeg',
      CacheControl: 'no-store',
      Metadata: { camera: 'two' },
      TagCount: 2,
      AcceptRanges: 'bytes',
    });
    expect(rest.VersionId).toBeUndefined();
  });

  test('that were copied in by hand are there at once, and change when the file does', async () => {
    await cp(join(import.meta.dirname, '../src/objects'), join(folder, 'by-hand'), { recursive: true });
    const Key = 'by-hand/objects.ts';
    const source = await readFile(join(folder, Key), 'utf8');
    expect(await text(Key)).toBe(source);
    expect(await keys()).toContain('by-hand/folder/buckets.ts');
    const before = await get(Key);
    expect(before).toMatchObject({
      ContentLength: Buffer.byteLength(source),
      ContentType: 'binary/octet-stream',
    });
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key }))).ETag).toBe(before.ETag);
    await writeFile(join(folder, Key), 'changed');
    const after = await get(Key);
    expect(await after.Body!.transformToString()).toBe('changed');
    expect(after.ETag).not.toBe(before.ETag);
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(await refusal(get(Key))).toBe('404 NoSuchKey');
    await put('moved');
    await rename(join(folder, 'moved'), join(folder, 'there'));
    expect(await text('there')).toBe('moved');
    expect(await refusal(get('moved'))).toBe('404 NoSuchKey');
  });

  test('are read in ranges', async () => {
    await put('digits', '0123456789');
    const range = async (Range: string) => {
      const { Body, ContentRange, $metadata } = await get('digits', { Range });
      return [$metadata.httpStatusCode, await Body!.transformToString(), ContentRange];
    };
    expect(await range('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10']);
    expect(await range('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await range('bytes=-2')).toEqual([206, '89', 'bytes 8-9/10']);
    expect(await range('bytes=-20')).toEqual([206, '0123456789', 'bytes 0-9/10']);
    expect(await range('bytes=5-99')).toEqual([206, '56789', 'bytes 5-9/10']);
    expect(await range('bytes=5-2')).toEqual([200, '0123456789', undefined]);
    expect(await range('lines=1-2')).toEqual([200, '0123456789', undefined]);
    expect(await refusal(range('bytes=10-'))).toBe('416 InvalidRange');
    expect(await refusal(range('bytes=-0'))).toBe('416 InvalidRange');
  });

  test('are read and written on conditions', async () => {
    const { ETag } = await put('a', 'one');
    const hour = (n: number) => new Date(Date.now() + n * 3_600_000);
    expect(await refusal(get('a', { IfMatch: '"other"' }))).toBe('412 PreconditionFailed');
    expect(await refusal(get('a', { IfNoneMatch: ETag }))).toMatch(/^304 /);
    expect(await refusal(get('a', { IfModifiedSince: hour(1) }))).toMatch(/^304 /);
    expect(await refusal(get('a', { IfUnmodifiedSince: hour(-1) }))).toBe('412 PreconditionFailed');
    expect(await text('a', { IfMatch: ETag, IfUnmodifiedSince: hour(-1) })).toBe('one');
    expect(await text('a', { IfNoneMatch: '"other"', IfModifiedSince: hour(1) })).toBe('one');
    expect(await refusal(put('a', 'two', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
    expect(await refusal(put('a', 'two', { IfMatch: '"other"' }))).toBe('412 PreconditionFailed');
    expect(await refusal(put('absent', 'two', { IfMatch: ETag }))).toBe('404 NoSuchKey');
    await put('a', 'two', { IfMatch: ETag });
    await put('new', 'two', { IfNoneMatch: '*' });
    expect([await text('a'), await text('new')]).toEqual(['two', 'two']);
    const races = Array.from({ length: 8 }, (_, i) => put('race', `${i}`, { IfNoneMatch: '*' }));
    const outcomes = await Promise.allSettled(races);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('are copied, with their metadata or with other', async () => {
    await put('source ü', 'body', { ContentType: 'text/plain', Metadata: { a: '1' }, Tagging: 'k=v' });
    const CopySource = `${Bucket}/${encodeURIComponent('source ü')}`;
    const copy = (more = {}) => s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource, ...more }));
    const { CopyObjectResult } = await copy();
    expect(CopyObjectResult?.ETag).toBe((await get('copy')).ETag);
    expect(await get('copy')).toMatchObject({ ContentType: 'text/plain', Metadata: { a: '1' }, TagCount: 1 });
    await copy({
      MetadataDirective: 'REPLACE',
      Metadata: { b: '2' },
      TaggingDirective: 'REPLACE',
      ChecksumAlgorithm: 'SHA256',
    });
    const replaced = await get('copy', { ChecksumMode: 'ENABLED' });
    expect(replaced).toMatchObject({ Metadata: { b: '2' }, ContentType: 'binary/octet-stream' });
    expect(replaced.ChecksumSHA256).toBe(createHash('sha256').update('body').digest('base64'));
    expect(replaced.TagCount).toBeUndefined();
    const self = { Key: 'source ü' };
    expect(await refusal(copy(self))).toBe('400 InvalidRequest');
    await copy({ ...self, MetadataDirective: 'REPLACE', Metadata: { c: '3' } });
    expect((await get('source ü')).Metadata).toEqual({ c: '3' });
    expect(await refusal(copy({ CopySource: `${Bucket}/absent` }))).toBe('404 NoSuchKey');
    expect(await refusal(copy({ CopySource: 'absent-bucket/a' }))).toBe('404 NoSuchBucket');
    expect(await refusal(copy({ CopySource: 'nothing' }))).toBe('400 InvalidArgument');
    expect(await refusal(copy({ CopySourceIfMatch: '"other"' }))).toBe('412 PreconditionFailed');
  });

  test('are deleted one by one and many at once', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `d/${i}`);
    for (const name of names) await put(name);
    const Objects = [...names, 'absent', 'd'].map((Key) => ({ Key }));
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted!.map(({ Key }) => Key)).toEqual(Objects.map(({ Key }) => Key));
    expect(Errors).toBeUndefined();
    expect(await keys()).toEqual([]);
    await put('e');
    const quiet = { Objects: [{ Key: 'e' }, { Key: 'f', ETag: '"1"' }], Quiet: true };
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: quiet }));
    expect(answer.Deleted).toBeUndefined();
    expect(answer.Errors).toBeUndefined();
    await put('g');
    const changed = {
      Objects: [
        { Key: 'g', ETag: '"1"' },
        { Key: 'g', Size: 3 },
      ],
    };
    const { Errors: kept } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: changed }));
    expect(kept!.map(({ Code }) => Code)).toEqual(['PreconditionFailed', 'NotImplemented']);
    const tooMany = Array.from({ length: 1001 }, (_, i) => ({ Key: String(i) }));
    const call = s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: tooMany } }));
    expect(await refusal(call)).toBe('400 MalformedXML');
  });

  test('have tags', async () => {
    await put('a');
    const TagSet = [
      { Key: 'k', Value: 'v' },
      { Key: 'ü', Value: '<&>' },
    ];
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet } }));
    const tags = async () => (await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'a' }))).TagSet;
    expect(await tags()).toEqual(TagSet);
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'a' }));
    expect(await tags()).toEqual([]);
    const eleven = Array.from({ length: 11 }, (_, i) => ({ Key: `${i}`, Value: '' }));
    const call = s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet: eleven } }));
    expect(await refusal(call)).toBe('400 InvalidTag');
    await writeFile(join(folder, 'hand'), 'hand');
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'hand', Tagging: { TagSet } }));
    expect((await get('hand')).TagCount).toBe(2);
  });
});

describe('keys', () => {
  const odd = [
    'a',
    'a/b',
    'a/b/c',
    'a/',
    '/a',
    'a//b',
    '..',
    '../up',
    'a/../../b',
    './a',
    '%2e%2e/x',
    '..%2f..%2fetc',
    '.ocellus/data/x',
    '.OCELLUS/x',
    'back\\slash',
    'Case',
    'case',
    'é',
    'e\u0301',
    'new\nline',
    'tab\tand\x01control',
    'x'.repeat(255),
    'y'.repeat(256),
    `${'z'.repeat(1000)}/${'z'.repeat(23)}`,
    'k'.repeat(1024),
    '😀/\uffee',
    'a?b=c&d#e;f:g',
    ' leading and trailing ',
    'quotes\'"<&>',
  ];

  test('of any kind stay apart, and nothing leaves the bucket', async () => {
    for (const key of odd) await put(key);
    for (const key of odd) expect(await text(key)).toBe(key);
    const inOrder = odd.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    // Without encoding XML can't say control characters; with it all keys come back.
    const page = await s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
    expect(page.Contents!.map(({ Key }) => decodeURIComponent(Key!))).toEqual(inOrder);
    expect(await readdir(workspace.directory)).not.toContain('b');
    expect(await readdir(join(workspace.directory, 'buckets'))).not.toContain('up');
    for (const key of odd) await put(key, 'again');
    for (const key of odd) expect(await text(key)).toBe('again');
    for (const key of odd) await s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
    expect(await keys()).toEqual([]);
    expect(await readdir(folder, { recursive: true })).toEqual(['.ocellus', '.ocellus/data']);
  });

  test('that are too long, or have a NUL, are refused', async () => {
    expect(await refusal(put('x'.repeat(1025)))).toBe('400 KeyTooLongError');
    expect(await refusal(put(`${'ü'.repeat(512)}x`))).toBe('400 KeyTooLongError');
    expect(await refusal(put('a\0b'))).toBe('400 InvalidArgument');
    expect(await refusal(get('a\0b'))).toBe('404 NoSuchKey');
  });

  test('that cannot be decoded are refused', async () => {
    const answer = await exchange(
      `GET /${Bucket}/%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n` +
        'Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*<Code>InvalidURI<\/Code>/);
  });

  test('of every kind are read back as they were written', async () => {
    const part = fc.oneof(
      fc.constantFrom('.', '..', 'a', 'A', '', ' ', '%', 'a%2fb'),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    const key = fc
      .array(part, { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'))
      .filter((text) => text !== '' && !text.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 5 }), async (all) => {
        for (const one of all) await put(one);
        for (const one of all) expect(await text(one)).toBe(one);
        for (const Key of all) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
        expect(await keys()).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('listings', () => {
  const names = ['a', 'a/1', 'a/2', 'a/b/3', 'a0', 'b/1', 'b//2', 'c', 'd/', 'é/1'];

  beforeEach(async () => {
    for (const name of names) await put(name);
  });

  const all = async (input: { Prefix?: string; Delimiter?: string; MaxKeys?: number }, version: 1 | 2) => {
    const found: string[] = [];
    let after: string | undefined;
    for (;;) {
      const page =
        version === 1
          ? await s3.send(new ListObjectsCommand({ Bucket, ...input, Marker: after }))
          : await s3.send(new ListObjectsV2Command({ Bucket, ...input, ContinuationToken: after }));
      const entries = [...(page.Contents ?? []), ...(page.CommonPrefixes ?? [])] as (_Object & {
        Prefix?: string;
      })[];
      expect(entries.length).toBeLessThanOrEqual(input.MaxKeys ?? 1000);
      found.push(...entries.map(({ Key, Prefix }) => Key ?? `${Prefix}*`));
      if (!page.IsTruncated) return found;
      after =
        'NextContinuationToken' in page
          ? page.NextContinuationToken
          : ((page as { NextMarker?: string }).NextMarker ?? page.Contents!.at(-1)!.Key);
    }
  };

  /** S3's rules, written down the simplest way. */
  function expected({ Prefix = '', Delimiter = '' }): string[] {
    const matching = names.filter((name) => name.startsWith(Prefix));
    const entries = matching.map((name) => {
      const end = Delimiter === '' ? -1 : name.indexOf(Delimiter, Prefix.length);
      return end < 0 ? name : `${name.slice(0, end + Delimiter.length)}*`;
    });
    return [...new Set(entries)];
  }

  test.each([
    {},
    { Prefix: 'a' },
    { Prefix: 'a/' },
    { Prefix: 'zzz' },
    { Delimiter: '/' },
    { Prefix: 'a/', Delimiter: '/' },
    { Prefix: 'b/', Delimiter: '/' },
    { Delimiter: '//' },
    { Delimiter: 'é' },
  ])('%j, in pages of any size, version 1 and 2', async (input) => {
    const want = expected(input).toSorted();
    for (const MaxKeys of [1, 2, 3, 1000]) {
      for (const version of [1, 2] as const) {
        expect((await all({ ...input, MaxKeys }, version)).toSorted()).toEqual(want);
      }
    }
  });

  test('begin after a key, and may be of nothing', async () => {
    const from = async (StartAfter: string) => {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, StartAfter }));
      return (page.Contents ?? []).map(({ Key }) => Key);
    };
    expect(await from('b/1')).toEqual(['c', 'd/', 'é/1']);
    expect(await from('c')).toEqual(['d/', 'é/1']);
    expect(await from('\u{10ffff}')).toEqual([]);
    const none = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
    expect([none.KeyCount, none.IsTruncated]).toEqual([0, false]);
    const wrong = s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken: '???' }));
    expect(await refusal(wrong)).toBe('400 InvalidArgument');
    const negative = s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: -1 }));
    expect(await refusal(negative)).toBe('400 InvalidArgument');
  });

  test('see what changes between pages', async () => {
    const first = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 3 }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a/b/3' }));
    await put('c2');
    await writeFile(join(folder, 'c3'), 'by hand');
    const { Contents } = await s3.send(
      new ListObjectsV2Command({ Bucket, ContinuationToken: first.NextContinuationToken }),
    );
    expect(Contents!.map(({ Key }) => Key)).toEqual(['a0', 'b//2', 'b/1', 'c', 'c2', 'c3', 'd/', 'é/1']);
  });
});

describe('versions', () => {
  const versions = async () => {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    return { Versions, DeleteMarkers };
  };

  test('are kept, read, copied and deleted', async () => {
    await put('a', 'before');
    await enableVersions();
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled');
    const one = (await put('a', 'one')).VersionId!;
    const two = (await put('a', 'two')).VersionId!;
    expect(await text('a')).toBe('two');
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('two');
    expect([await text('a', { VersionId: one }), await text('a', { VersionId: 'null' })]).toEqual([
      'one',
      'before',
    ]);
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect(marker.DeleteMarker).toBe(true);
    expect(await refusal(get('a'))).toBe('404 NoSuchKey');
    expect(await readdir(folder)).toEqual(['.ocellus']);
    expect(await refusal(get('a', { VersionId: marker.VersionId }))).toBe('405 MethodNotAllowed');
    const listed = await versions();
    expect(listed.Versions.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [two, false],
      [one, false],
      ['null', false],
    ]);
    expect(listed.DeleteMarkers).toMatchObject([{ VersionId: marker.VersionId, IsLatest: true }]);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId: marker.VersionId }));
    expect(await text('a')).toBe('two');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId: two }));
    expect(await text('a')).toBe('one');
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('one');
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'a', CopySource: `${Bucket}/a?versionId=null` }));
    expect(await text('a')).toBe('before');
    expect(await refusal(get('a', { VersionId: two }))).toBe('404 NoSuchVersion');
    expect(await refusal(get('a', { VersionId: 'x y' }))).toBe('400 InvalidArgument');
  });

  test('are deleted at the same time, and nothing comes back', async () => {
    await enableVersions();
    for (let i = 0; i < 6; i++) await Promise.all(['a', 'b'].map((key) => put(key, String(i))));
    const { Versions } = await versions();
    await Promise.all(
      Versions.flatMap(({ Key, VersionId }) => [
        s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId })),
        s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId })),
      ]),
    );
    expect(await versions()).toEqual({ Versions: [], DeleteMarkers: [] });
    expect(await readdir(folder, { recursive: true })).toEqual(['.ocellus', '.ocellus/data']);
  });

  test('of a file that is put in their place by hand are kept but for the one whose file it was', async () => {
    await enableVersions();
    const one = (await put('a', 'one')).VersionId!;
    await put('a', 'two');
    await writeFile(join(folder, 'a'), 'by hand');
    expect(await text('a')).toBe('by hand');
    expect((await versions()).Versions.map(({ VersionId }) => VersionId)).toEqual(['null', one]);
    const three = (await put('a', 'three')).VersionId!;
    expect((await versions()).Versions.map(({ VersionId }) => VersionId)).toEqual([three, 'null', one]);
    expect(await text('a', { VersionId: 'null' })).toBe('by hand');
  });

  test('stop when they are suspended', async () => {
    await enableVersions();
    const one = (await put('a', 'one')).VersionId!;
    await enableVersions('Suspended');
    expect((await put('a', 'two')).VersionId).toBe('null');
    await put('a', 'three');
    expect((await versions()).Versions.map(({ VersionId }) => VersionId)).toEqual(['null', one]);
    const removed = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect([removed.DeleteMarker, removed.VersionId]).toEqual([true, 'null']);
    expect((await versions()).Versions.map(({ VersionId }) => VersionId)).toEqual([one]);
  });

  test('are listed in pages', async () => {
    await enableVersions();
    for (const key of ['a', 'b/1', 'b/2', 'c']) for (const body of ['1', '2', '3']) await put(key, body);
    for (const Delimiter of [undefined, '/']) {
      const found: string[] = [];
      let KeyMarker: string | undefined;
      let VersionIdMarker: string | undefined;
      do {
        const page = await s3.send(
          new ListObjectVersionsCommand({ Bucket, MaxKeys: 2, Delimiter, KeyMarker, VersionIdMarker }),
        );
        found.push(
          ...(page.Versions ?? []).map(({ Key }) => Key!),
          ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!),
        );
        KeyMarker = page.NextKeyMarker;
        VersionIdMarker = page.NextVersionIdMarker;
      } while (KeyMarker !== undefined);
      const three = (key: string) => [key, key, key];
      const middle = Delimiter ? ['b/'] : [...three('b/1'), ...three('b/2')];
      expect(found.toSorted()).toEqual([...three('a'), ...middle, ...three('c')]);
    }
  });
});

describe('uploads', () => {
  const MiB = 1024 * 1024;

  async function begin(Key: string, more = {}) {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
    return { Bucket, Key, UploadId };
  }

  test('in parts, in any order, some of them twice', async () => {
    const bytes = randomBytes(11 * MiB);
    const upload = await begin('big', { ContentType: 'x/y', Metadata: { a: 'b' } });
    const send = async (PartNumber: number, Body: Uint8Array) => {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      return { PartNumber, ETag };
    };
    const last = await send(3, bytes.subarray(10 * MiB));
    await send(1, randomBytes(100));
    const first = await send(1, bytes.subarray(0, 5 * MiB));
    const second = await send(2, bytes.subarray(5 * MiB, 10 * MiB));
    const { Parts, IsTruncated } = await s3.send(new ListPartsCommand({ ...upload, MaxParts: 2 }));
    expect([Parts!.map(({ PartNumber }) => PartNumber), IsTruncated]).toEqual([[1, 2], true]);
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toMatchObject([{ Key: 'big', UploadId: upload.UploadId }]);
    expect(await refusal(get('big'))).toBe('404 NoSuchKey');
    const complete = (Parts: object[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    expect(await refusal(complete([second, first]))).toBe('400 InvalidPartOrder');
    expect(await refusal(complete([{ ...first, ETag: '"0"' }]))).toBe('400 InvalidPart');
    expect(await refusal(complete([first, { PartNumber: 9, ETag: '"0"' }]))).toBe('400 InvalidPart');
    const { ETag } = await complete([first, second, last]);
    expect(ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    const object = await get('big');
    expect(object).toMatchObject({ ETag, ContentType: 'x/y', Metadata: { a: 'b' } });
    expect(bytes.equals(await object.Body!.transformToByteArray())).toBe(true);
    const part = await get('big', { PartNumber: 2 });
    expect([part.PartsCount, part.ContentRange]).toEqual([3, `bytes ${5 * MiB}-${10 * MiB - 1}/${11 * MiB}`]);
    expect((await complete([first])).ETag).toBe(ETag); // asked again
    await put('big');
    expect(await refusal(complete([first]))).toBe('404 NoSuchUpload');
    expect(await readdir(join(folder, '.ocellus/data'))).toEqual([]);
  });

  test('in parts that are copied', async () => {
    await put('source', '0123456789');
    const upload = await begin('copy');
    const { CopyPartResult } = await s3.send(
      new UploadPartCopyCommand({
        ...upload,
        PartNumber: 1,
        CopySource: `${Bucket}/source`,
        CopySourceRange: 'bytes=3-5',
      }),
    );
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult!.ETag }];
    await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    expect(await text('copy')).toBe('345');
  });

  test('that are too small in the middle, or aborted, leave nothing', async () => {
    const upload = await begin('small');
    const Parts = [];
    for (const PartNumber of [1, 2]) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: 'x' }));
      Parts.push({ PartNumber, ETag });
    }
    const complete = s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    expect(await refusal(complete)).toBe('400 EntityTooSmall');
    await s3.send(new AbortMultipartUploadCommand(upload));
    expect(await refusal(s3.send(new ListPartsCommand(upload)))).toBe('404 NoSuchUpload');
    expect(await keys()).toEqual([]);
    expect(await readdir(join(folder, '.ocellus/data'))).toEqual([]);
  });

  test.each(Object.values(ChecksumAlgorithm).filter((name) => /^(CRC|SHA1|SHA256)/.test(name)))(
    'with a checksum by %s, in a header, in a trailer, and of parts',
    async (ChecksumAlgorithm) => {
      const member = `Checksum${ChecksumAlgorithm}` as const;
      const body = randomBytes(200_000);
      const inHeader = (await put('header', body, { ChecksumAlgorithm })) as unknown as Record<
        string,
        unknown
      >;
      const stream = Readable.from([body.subarray(0, 1000), body.subarray(1000)]);
      const inTrailer = (await s3.send(
        new PutObjectCommand({
          Bucket,
          Key: 'trailer',
          Body: stream,
          ContentLength: body.length,
          ChecksumAlgorithm,
        }),
      )) as unknown as Record<string, unknown>;
      expect(inTrailer[member]).toBe(inHeader[member]);
      for (const Key of ['header', 'trailer']) {
        const object = await get(Key, { ChecksumMode: 'ENABLED' });
        expect((object as unknown as Record<string, unknown>)[member]).toBe(inHeader[member]);
        expect(body.equals(await object.Body!.transformToByteArray())).toBe(true);
      }
      expect(await refusal(put('wrong', 'x', { [member]: inHeader[member] }))).toBe('400 BadDigest');
      expect(await refusal(put('wrong', 'x', { [member]: 'AAAA' }))).toBe('400 InvalidRequest');
      expect(await keys()).toEqual(['header', 'trailer']);

      const upload = await begin('parts', { ChecksumAlgorithm });
      const part = await s3.send(
        new UploadPartCommand({ ...upload, PartNumber: 1, Body: body, ChecksumAlgorithm }),
      );
      const Parts = [
        { PartNumber: 1, ETag: part.ETag, [member]: (part as unknown as Record<string, unknown>)[member] },
      ];
      const done = await s3.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
      );
      expect(done.ChecksumType).toBe(ChecksumAlgorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE');
      expect(body.equals(await (await get('parts')).Body!.transformToByteArray())).toBe(true);
    },
  );

  test('whose MD5 or whose checksum differs leave the old object', async () => {
    await put('a', 'old');
    const md5 = createHash('md5').update('other').digest('base64');
    expect(await refusal(put('a', 'new', { ContentMD5: md5 }))).toBe('400 BadDigest');
    expect(await refusal(put('a', 'new', { ContentMD5: 'nonsense' }))).toBe('400 InvalidDigest');
    expect(await text('a')).toBe('old');
    expect(await readdir(join(folder, '.ocellus/data'))).toEqual([]);
  });
});

describe('what is not there', () => {
  test('is said to be not implemented', async () => {
    await put('a');
    const calls = [
      s3.send(new GetBucketAclCommand({ Bucket })),
      put('b', 'b', { ServerSideEncryption: 'AES256' }),
      put('b', 'b', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'k' }),
      put('b', 'b', { ACL: 'public-read' }),
      put('b', 'b', { StorageClass: 'GLACIER' }),
      put('b', 'b', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date() }),
    ];
    for (const call of calls) expect(await refusal(call)).toBe('501 NotImplemented');
    expect(await keys()).toEqual(['a']);
    await put('b', 'b', { ACL: 'private', StorageClass: 'STANDARD' });
  });

  test('requests of strangers, or of another time, are refused in XML', async () => {
    const refused = async (settings: S3ClientConfig) => {
      const client = clientFor(settings);
      const outcome = await refusal(client.send(new ListBucketsCommand()));
      client.destroy();
      return outcome;
    };
    expect(await refused({ credentials: { ...KEYS, accessKeyId: 'AKIANOBODY' } })).toBe(
      '403 InvalidAccessKeyId',
    );
    expect(await refused({ credentials: { ...KEYS, secretAccessKey: 'x' } })).toBe(
      '403 SignatureDoesNotMatch',
    );
    expect(await refused({ systemClockOffset: 3_600_000 })).toBe('403 RequestTimeTooSkewed');
    expect(await refused({ region: 'eu-central-1', credentials: { ...KEYS, secretAccessKey: 'x' } })).toBe(
      '403 SignatureDoesNotMatch',
    );
  });

  test('a bucket of another account', async () => {
    const call = s3.send(new ListObjectsV2Command({ Bucket, ExpectedBucketOwner: '123456789012' }));
    expect(await refusal(call)).toBe('403 AccessDenied');
  });
});

describe('presigned URLs', () => {
  test('read and write until they expire', async () => {
    const Key = 'ü b/+%.txt';
    const upload = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    expect((await fetch(upload, { method: 'PUT', body: 'by URL' })).status).toBe(200);
    const download = await getSignedUrl(
      s3,
      new GetObjectCommand({ Bucket, Key, ResponseContentDisposition: 'attachment; filename="x.txt"' }),
      { expiresIn: 60 },
    );
    const answer = await fetch(download, { headers: { origin: 'http://console' } });
    expect(await answer.text()).toBe('by URL');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="x.txt"');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    const code = async (url: string, init = {}) =>
      /<Code>(.*)<\/Code>/.exec(await (await fetch(url, init)).text())?.[1];
    expect(await code(download, { method: 'PUT', body: 'x' })).toBe('SignatureDoesNotMatch');
    expect(await code(download.replace('%2B', '%2Bx'))).toBe('SignatureDoesNotMatch');
    expect(await code(download.replace(/X-Amz-Expires=60/, 'X-Amz-Expires=61'))).toBe(
      'SignatureDoesNotMatch',
    );
    const old = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), {
      expiresIn: 60,
      signingDate: new Date(Date.now() - 61_000),
    });
    expect(await code(old)).toBe('AccessDenied');
    const preflight = await fetch(download, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://console',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'content-type,x-amz-meta-a',
      },
    });
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-amz-meta-a');
  });
});

describe('bodies that end too early', () => {
  /** A presigned PUT as raw bytes, so that the body can be anything. */
  async function rawPut(headers: string, body: string, cut = false) {
    const url = new URL(await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'a' })));
    const head = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n${headers}\r\n\r\n`;
    return await exchange(head + body, 'end', cut);
  }

  beforeEach(async () => {
    await put('a', 'old');
  });

  test('in the middle of a plain body', async () => {
    await rawPut('Content-Length: 100', 'only these', true);
    expect(await text('a')).toBe('old');
  });

  const chunked = (length: number, more = '') =>
    `Content-Encoding: aws-chunked\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: ${length}${more}`;

  test.each([
    ['before the last chunk', '3\r\nnew\r\n'],
    ['in a chunk', '5\r\nnew'],
    ['with a size that is none', 'zz\r\nnew\r\n0\r\n\r\n'],
    ['with fewer bytes than were announced', '2\r\nne\r\n0\r\n\r\n'],
    ['with more bytes than were announced', '4\r\nnewx\r\n0\r\n\r\n'],
    ['without the end of a chunk', '3\r\nnewX0\r\n\r\n'],
  ])('in chunks: %s', async (_, body) => {
    const answer = await rawPut(`Content-Length: ${body.length}\r\n${chunked(3)}`, body);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*<Code>IncompleteBody<\/Code>/);
    expect(await text('a')).toBe('old');
  });

  test('in chunks that are whole, with a trailer that fits and one that does not', async () => {
    const body = (sum: string) => `3\r\nnew\r\n0\r\nx-amz-checksum-crc32:${sum}\r\n\r\n`;
    const send = (sum: string) =>
      rawPut(
        `Content-Length: ${body(sum).length}\r\n${chunked(3, '\r\nx-amz-trailer: x-amz-checksum-crc32')}`,
        body(sum),
      );
    expect(await send('AAAAAA==')).toMatch(/<Code>BadDigest<\/Code>/);
    expect(await text('a')).toBe('old');
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32('new'));
    expect(await send(sum.toString('base64'))).toMatch(/^HTTP\/1\.1 200/);
    expect(await text('a')).toBe('new');
  });

  test('a client that waits to be told to go on is told when it is known, and sends nothing when it is not', async () => {
    const url = new URL(await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'a' })));
    const head = (path: string) =>
      `PUT ${path} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`;
    expect(await exchange(head(url.pathname + url.search), 'head')).toMatch(/^HTTP\/1\.1 100 Continue/);
    const stranger = (url.pathname + url.search).replace(/Signature=\w/, 'Signature=x');
    expect(await exchange(head(stranger), 'head')).toMatch(/^HTTP\/1\.1 403 /);
  });
});

test('a bucket whose folder goes away under the server is gone', async () => {
  await put('a');
  await rm(folder, { recursive: true });
  expect(await refusal(get('a'))).toBe('404 NoSuchBucket');
  expect(await refusal(put('a'))).toBe('404 NoSuchBucket');
  expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe('404 NoSuchBucket');
  await s3.send(new CreateBucketCommand({ Bucket }));
  expect(await keys()).toEqual([]);
});
