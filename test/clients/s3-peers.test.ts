import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DetectCustomLabelsCommand, StartProjectVersionCommand } from '@aws-sdk/client-rekognition';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3Objects, type S3Settings } from '../../src/objects/s3.ts';
import {
  COLOURS,
  createProject,
  createVersion,
  KEYS,
  manifestLine,
  picture,
  refusal,
  settled,
  startInProcess,
  until,
  Workspace,
} from '../harness.ts';
import { objectStoreCases } from '../object-store-cases.ts';
import { pythonTools } from './python.ts';

// Clients of other makes at our S3 endpoint, and our S3 backend at services of other makes: moto's, and the one that
// OCELLUS_TEST_S3_ENDPOINT names, if it is set (with OCELLUS_TEST_S3_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY).

const run = promisify(execFile);
const SETUP_MS = 600_000;

let tools: string;
let directory: string;
let moto: ChildProcess;
let motoEndpoint: string;

beforeAll(async () => {
  tools = await pythonTools();
  directory = await mkdtemp(join(tmpdir(), 'ocellus-peers-'));
  const port = await freePort();
  moto = spawn(join(tools, 'moto_server'), ['-p', String(port)], { stdio: 'ignore' });
  motoEndpoint = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (moto.exitCode !== null) throw new Error('moto ended before it answered.');
    return await fetch(motoEndpoint).then(
      () => true,
      () => false,
    );
  });
}, SETUP_MS);

afterAll(async () => {
  if (moto?.exitCode === null) {
    moto.kill();
    await once(moto, 'exit');
  }
  if (directory) await rm(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('clients', () => {
  let workspace: Workspace;
  let server: Awaited<ReturnType<typeof startInProcess>>;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    workspace = await Workspace.create();
    server = await startInProcess(workspace);
    environment = {
      PATH: process.env.PATH,
      HOME: directory,
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
    };
  });

  afterAll(async () => {
    await server.close();
    await workspace.remove();
  });

  const aws = async (...args: string[]) => (await run(join(tools, 'aws'), args, { env: environment })).stdout;

  test('AWS CLI: mb, cp, ls, sync, presign, rm, rb, and Custom Labels at the same address', async () => {
    const photos = join(directory, 'photos');
    await mkdir(join(photos, 'cat'), { recursive: true });
    const big = randomBytes(20 * 1024 * 1024);
    await writeFile(join(photos, 'cat/größe 1 + 2%.jpg'), 'small');
    await writeFile(join(photos, 'big.bin'), big);
    expect(await aws('s3', 'mb', 's3://cli-photos')).toContain('make_bucket: cli-photos');
    await aws('s3', 'cp', '--recursive', photos, 's3://cli-photos/in');
    const folder = join(workspace.directory, 'buckets/cli-photos');
    expect(big.equals(await readFile(join(folder, 'in/big.bin')))).toBe(true);
    expect(await aws('s3', 'ls', 's3://cli-photos/in/')).toMatch(/PRE cat\/[\s\S]*20971520 big\.bin/);
    expect(await aws('s3', 'ls', '--recursive', '--summarize', 's3://cli-photos')).toMatch(
      /Total Objects: 2/,
    );
    await writeFile(join(folder, 'in/by-hand.txt'), 'by hand');
    const back = join(directory, 'back');
    await aws('s3', 'sync', 's3://cli-photos/in', back);
    expect((await readdir(back, { recursive: true })).sort()).toEqual([
      'big.bin',
      'by-hand.txt',
      'cat',
      'cat/größe 1 + 2%.jpg',
    ]);
    expect(big.equals(await readFile(join(back, 'big.bin')))).toBe(true);
    expect(await aws('s3', 'sync', back, 's3://cli-photos/in')).toBe('');
    await aws('s3', 'cp', 's3://cli-photos/in/big.bin', 's3://cli-photos/copy.bin');
    expect(big.equals(await readFile(join(folder, 'copy.bin')))).toBe(true);
    const url = (await aws('s3', 'presign', 's3://cli-photos/in/cat/größe 1 + 2%.jpg')).trim();
    expect(await (await fetch(url)).text()).toBe('small');
    await aws('s3', 'rm', '--recursive', 's3://cli-photos');
    expect(await aws('s3', 'ls', 's3://cli-photos')).toBe('');
    await aws('s3', 'rb', 's3://cli-photos');
    expect(await aws('s3', 'ls')).toBe('');
    expect(await aws('rekognition', 'describe-projects')).toContain('ProjectDescriptions');
  });

  test('boto3: transfers of every size, presigned URLs of both signatures, pages, errors', async () => {
    const program = `
import boto3, http.client, io, os, urllib.parse, urllib.request
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client('s3')
s3.create_bucket(Bucket='boto-photos')
for size in [0, 1, 100_000, 9_000_000, 30_000_000]:
    body = os.urandom(size)
    s3.upload_fileobj(io.BytesIO(body), 'boto-photos', f'sizes/{size}', ExtraArgs={'Metadata': {'size': str(size)}})
    back = io.BytesIO()
    s3.download_fileobj('boto-photos', f'sizes/{size}', back)
    assert back.getvalue() == body, size
    assert s3.head_object(Bucket='boto-photos', Key=f'sizes/{size}')['Metadata'] == {'size': str(size)}
for algorithm in ['CRC32', 'SHA1', 'SHA256']:
    body = os.urandom(12_000_000)
    s3.upload_fileobj(io.BytesIO(body), 'boto-photos', algorithm, ExtraArgs={'ChecksumAlgorithm': algorithm})
    assert s3.get_object(Bucket='boto-photos', Key=algorithm, ChecksumMode='ENABLED')['Body'].read() == body
for version in [None, 's3v4']:
    signer = boto3.client('s3', config=Config(signature_version=version))
    put = signer.generate_presigned_url('put_object', Params={'Bucket': 'boto-photos', 'Key': 'url ü'})
    place = urllib.parse.urlsplit(put)
    connection = http.client.HTTPConnection(place.netloc)
    connection.request('PUT', f'{place.path}?{place.query}', b'by url')
    assert connection.getresponse().status == 200
    get = signer.generate_presigned_url('get_object', Params={'Bucket': 'boto-photos', 'Key': 'url ü', 'ResponseContentType': 'text/x'})
    answer = urllib.request.urlopen(get)
    assert answer.read() == b'by url' and answer.headers['content-type'] == 'text/x'
    try:
        urllib.request.urlopen(get.replace('text%2Fx', 'text%2Fy'))
        raise SystemExit('a changed URL was served')
    except urllib.error.HTTPError as error:
        assert error.code == 403, error
pages = s3.get_paginator('list_objects_v2').paginate(Bucket='boto-photos', PaginationConfig={'PageSize': 2})
keys = [o['Key'] for page in pages for o in page['Contents']]
assert keys == sorted(keys) and len(keys) == 9, keys
for call, code in [
    (lambda: s3.get_object(Bucket='boto-photos', Key='absent'), 'NoSuchKey'),
    (lambda: s3.get_object(Bucket='absent-photos', Key='absent'), 'NoSuchBucket'),
    (lambda: s3.delete_bucket(Bucket='boto-photos'), 'BucketNotEmpty'),
]:
    try:
        call()
        raise SystemExit('no error: ' + code)
    except ClientError as error:
        assert error.response['Error']['Code'] == code, error
bucket = boto3.resource('s3').Bucket('boto-photos')
bucket.objects.all().delete()
bucket.delete()
print('done')
`;
    const { stdout } = await run(join(tools, 'python'), ['-c', program], { env: environment });
    expect(stdout).toBe('done\n');
  });
});

interface Peer {
  name: string;
  settings(): S3Settings;
}

const given = process.env.OCELLUS_TEST_S3_ENDPOINT;
const PEERS: Peer[] = [
  {
    name: 'moto',
    settings: () => ({ endpoint: motoEndpoint, region: 'us-east-1', pathStyle: true, credentials: KEYS }),
  },
  ...(given
    ? [
        {
          name: given,
          settings: () => ({
            endpoint: given,
            region: process.env.OCELLUS_TEST_S3_REGION ?? 'us-east-1',
            pathStyle: true,
            credentials: {
              accessKeyId: process.env.OCELLUS_TEST_S3_ACCESS_KEY_ID ?? '',
              secretAccessKey: process.env.OCELLUS_TEST_S3_SECRET_ACCESS_KEY ?? '',
            },
          }),
        },
      ]
    : []),
];

describe.each(PEERS)('a service of another make: $name', ({ settings }) => {
  const suffix = randomBytes(4).toString('hex');
  const [plain, versioned] = [`plain-${suffix}`, `versioned-${suffix}`];
  let objects: S3Objects;

  beforeAll(async () => {
    const { endpoint, region, pathStyle, credentials } = settings();
    const client = new S3Client({ endpoint, region, forcePathStyle: pathStyle, credentials });
    for (const Bucket of [plain, versioned]) await client.send(new CreateBucketCommand({ Bucket }));
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await client.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }));
    client.destroy();
    objects = new S3Objects(settings());
  });

  afterAll(() => objects?.close());

  objectStoreCases('as object store', () => ({ objects, plain, versioned }));

  test('a model is trained from, and reads, chosen versions of objects there', async () => {
    const lines: string[] = [];
    for (const [label, colour] of Object.entries(COLOURS)) {
      for (let i = 0; i < 10; i++) {
        const key = `images/${label}/${i}.png`;
        await objects.write({ bucket: versioned, key }, await picture(colour, i));
        lines.push(manifestLine(versioned, key, label));
      }
    }
    const manifest = { bucket: versioned, key: 'train.manifest' };
    const { version } = await objects.write(manifest, Buffer.from(lines.join('\n')));
    await objects.write(manifest, Buffer.from('spoiled later'));
    const image = { bucket: versioned, key: 'image.png' };
    const red = await objects.write(image, await picture(COLOURS.red, 99));
    const blue = await objects.write(image, await picture(COLOURS.blue, 99));

    const workspace = await Workspace.create();
    const { endpoint, region, credentials } = settings();
    const server = await startInProcess(workspace, {
      OCELLUS_S3_ENDPOINT: endpoint,
      OCELLUS_S3_REGION: region,
      OCELLUS_S3_ACCESS_KEY_ID: credentials!.accessKeyId,
      OCELLUS_S3_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
    });
    try {
      const { client } = server;
      const projectArn = await createProject(client, 'colours');
      const data = (Version?: string) => ({
        Assets: [{ GroundTruthManifest: { S3Object: { Bucket: versioned, Name: manifest.key, Version } } }],
      });
      const OutputConfig = { S3Bucket: plain, S3KeyPrefix: 'out' };
      const ProjectVersionArn = await createVersion(client, projectArn, 'v1', {
        OutputConfig,
        TrainingData: data(version),
      });
      await createVersion(client, projectArn, 'spoiled', { OutputConfig, TrainingData: data() });
      await createVersion(client, projectArn, 'absent', {
        OutputConfig,
        TrainingData: data('00000000-0000-4000-8000-000000000000'),
      }).catch(async () => {
        await settled(client, projectArn, 'spoiled'); // two trainings at a time are the limit
        await createVersion(client, projectArn, 'absent', {
          OutputConfig,
          TrainingData: data('00000000-0000-4000-8000-000000000000'),
        });
      });
      const trained = await settled(client, projectArn, 'v1');
      expect(trained).toMatchObject({ Status: 'TRAINING_COMPLETED', EvaluationResult: { F1Score: 1 } });
      const input = trained.TrainingDataResult!.Input!.Assets![0]!.GroundTruthManifest!.S3Object;
      expect(input).toEqual({ Bucket: versioned, Name: manifest.key, Version: version });
      const summary = trained.EvaluationResult!.Summary!.S3Object!;
      const text = await objects.read({ bucket: summary.Bucket!, key: summary.Name! }, 1e6);
      expect(JSON.parse(text.toString())).toBeTypeOf('object');
      for (const [name, message] of [
        ['spoiled', /invalid/],
        ['absent', /^The manifest file extension or contents are invalid\.$/],
      ] as const) {
        const failed = await settled(client, projectArn, name);
        expect(failed).toMatchObject({
          Status: 'TRAINING_FAILED',
          StatusMessage: expect.stringMatching(message),
        });
      }

      await client.send(new StartProjectVersionCommand({ ProjectVersionArn, MinInferenceUnits: 1 }));
      await settled(client, projectArn, 'v1');
      const see = (Version?: string) =>
        client.send(
          new DetectCustomLabelsCommand({
            ProjectVersionArn,
            Image: { S3Object: { Bucket: versioned, Name: image.key, Version } },
          }),
        );
      expect((await see(red.version)).CustomLabels![0]!.Name).toBe('red');
      expect((await see(blue.version)).CustomLabels![0]!.Name).toBe('blue');
      expect((await see()).CustomLabels![0]!.Name).toBe('blue');
      expect((await refusal(see('00000000-0000-4000-8000-000000000000'))).name).toBe(
        'InvalidS3ObjectException',
      );
    } finally {
      await server.close();
      await workspace.remove();
    }
  }, 300_000);
});
