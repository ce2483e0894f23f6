import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteProjectCommand,
  DeleteProjectVersionCommand,
  DetectCustomLabelsCommand,
  type DetectCustomLabelsCommandInput,
  type Image,
  type RekognitionClient,
  StartProjectVersionCommand,
  StopProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bombPng, hugePng } from './broken-images.ts';
import {
  COLOURS,
  createProject,
  createVersion,
  describeVersion,
  picture,
  putColours,
  refusal,
  settled,
  spawnServer,
  until,
  Workspace,
} from './harness.ts';

// One model's life, from its training to its deletion, in a server that is killed twice on the way.
// The tests run in this order and build on each other.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof spawnServer>>;
let client: RekognitionClient;
let projectArn: string;
let versionArn: string;

const start = async (settings: Record<string, string> = {}) => {
  server = await spawnServer(workspace, settings);
  client = server.client;
};

beforeAll(async () => {
  workspace = await Workspace.create();
  await putColours(workspace);
  await start({ OCELLUS_MAX_TRAININGS: '1' });
});

afterAll(async () => {
  await server.kill();
  await workspace.remove();
});

const describe = () => describeVersion(client, projectArn, 'v1');
const detect = (Image: Image, input: Partial<DetectCustomLabelsCommandInput> = {}) =>
  client.send(new DetectCustomLabelsCommand({ ProjectVersionArn: versionArn, Image, ...input }));
const startModel = (versionArn: string) =>
  client.send(new StartProjectVersionCommand({ ProjectVersionArn: versionArn, MinInferenceUnits: 1 }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** True once the process of the training has reported that it is at work. */
async function isTraining(): Promise<boolean> {
  const versions = join(workspace.directory, 'versions');
  const [id] = await readdir(versions);
  if (!id) return false;
  const report = await readFile(join(versions, id, 'progress.jsonl'), 'utf8').catch(() => '');
  return report.includes('"stage"');
}

test('during a training its version can neither be used nor removed, and the limit of trainings holds', async () => {
  projectArn = await createProject(client, 'colours');
  versionArn = await createVersion(client, projectArn, 'v1');
  await until(isTraining);
  const arn = { ProjectVersionArn: versionArn };
  const outcomes = [
    await refusal(client.send(new DeleteProjectVersionCommand(arn))),
    await refusal(client.send(new StopProjectVersionCommand(arn))),
    await refusal(startModel(versionArn)),
    await refusal(detect({ Bytes: await picture(COLOURS.red) })),
    await refusal(client.send(new DeleteProjectCommand({ ProjectArn: projectArn }))),
    await refusal(createVersion(client, projectArn, 'v2')),
  ];
  expect((await describe())?.Status).toBe('TRAINING_IN_PROGRESS');
  expect(outcomes.map(({ name }) => name)).toEqual([
    'ResourceInUseException',
    'ResourceInUseException',
    'ResourceInUseException',
    'ResourceNotReadyException',
    'ResourceInUseException',
    'LimitExceededException',
  ]);
});

test('killed in the training, the server takes it up again at its next start and ends it', async () => {
  const before = await describe();
  const trainingProcess = Number(server.log(/training: started.*pid=(\d+)/));
  await server.kill();
  await until(async () => !isAlive(trainingProcess));
  await start();
  const version = await settled(client, projectArn, 'v1');
  expect(version).toMatchObject({
    ProjectVersionArn: before!.ProjectVersionArn,
    CreationTimestamp: before!.CreationTimestamp,
    Status: 'TRAINING_COMPLETED',
    StatusMessage: 'The model is ready to run.',
    TestingDataResult: { Input: { AutoCreate: true }, Output: { AutoCreate: true } },
    EvaluationResult: { F1Score: 1 },
  });
  expect(version.BillableTrainingTimeInSeconds).toBeGreaterThan(0);
  const files = [
    version.EvaluationResult!.Summary!,
    version.ManifestSummary!,
    version.TrainingDataResult!.Output!.Assets![0]!.GroundTruthManifest!,
    version.TrainingDataResult!.Validation!.Assets![0]!.GroundTruthManifest!,
    version.TestingDataResult!.Output!.Assets![0]!.GroundTruthManifest!,
    version.TestingDataResult!.Validation!.Assets![0]!.GroundTruthManifest!,
  ];
  for (const { S3Object } of files) {
    expect(S3Object).toMatchObject({
      Bucket: 'results',
      Name: expect.stringMatching(/^out\/\w+-colours-v1\.json$/),
    });
    const text = await readFile(join(workspace.directory, 'buckets/results', S3Object!.Name!), 'utf8');
    for (const line of text.trim().split('\n')) JSON.parse(line);
  }
}, 300_000);

test('a model is started and tells the colours apart', async () => {
  expect((await startModel(versionArn)).Status).toBe('STARTING');
  const running = await settled(client, projectArn, 'v1');
  expect(running).toMatchObject({
    Status: 'RUNNING',
    StatusMessage: 'The model is running.',
    MinInferenceUnits: 1,
  });
  expect(running.MaxInferenceUnits).toBeUndefined();
  expect((await refusal(startModel(versionArn))).name).toBe('ResourceInUseException');
  for (const [label, colour] of Object.entries(COLOURS)) {
    const { CustomLabels } = await detect({ Bytes: await picture(colour, 1000) });
    expect(CustomLabels!.map(({ Name }) => Name)).toEqual([label]);
    expect(CustomLabels![0]!.Confidence).toBe(Math.fround(CustomLabels![0]!.Confidence!));
  }
});

test('MinConfidence replaces the assumed thresholds; MaxResults keeps the best', async () => {
  const Bytes = await picture(COLOURS.blue, 2000);
  const all = (await detect({ Bytes }, { MinConfidence: 0 })).CustomLabels!;
  expect(all.map(({ Name }) => Name)).toEqual(['blue', 'red']);
  const [best, second] = all as [{ Confidence: number }, { Confidence: number }];
  expect(best.Confidence + second.Confidence).toBeCloseTo(100, 3);
  const names = async (input: Partial<DetectCustomLabelsCommandInput>) =>
    (await detect({ Bytes }, input)).CustomLabels!.map(({ Name }) => Name);
  expect(await names({ MinConfidence: 0, MaxResults: 1 })).toEqual(['blue']);
  expect(await names({ MinConfidence: 0, MaxResults: 0 })).toEqual(['blue', 'red']);
  expect(await names({ MinConfidence: best.Confidence })).toEqual(['blue']);
  expect(await names({ MinConfidence: 100 })).toEqual(best.Confidence === 100 ? ['blue'] : []);
  expect((await refusal(detect({ Bytes }, { MinConfidence: 101 }))).name).toBe('ValidationException');
});

test('an image in a bucket gives what its bytes give, JPEG or PNG, whatever its EXIF orientation', async () => {
  const { CustomLabels } = await detect({ S3Object: { Bucket: 'images', Name: 'red/0.png' } });
  expect(await detect({ Bytes: await picture(COLOURS.red, 0) })).toMatchObject({ CustomLabels });
  const wide = await sharp(await picture(COLOURS.red, 3, 200))
    .extract({ left: 0, top: 0, width: 200, height: 70 })
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toBuffer();
  expect((await detect({ Bytes: wide })).CustomLabels![0]!.Name).toBe('red');
});

test('images that cannot be used are refused with the reason, and the server lives on', async () => {
  const good = await picture(COLOURS.red, 5, 200);
  const side = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
  const cases: [string, Uint8Array, string][] = [
    ['text', Buffer.from('not an image'), 'InvalidImageFormatException'],
    ['GIF', await sharp(good).gif().toBuffer(), 'InvalidImageFormatException'],
    ['WebP', await sharp(good).webp().toBuffer(), 'InvalidImageFormatException'],
    [
      'SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>'),
      'InvalidImageFormatException',
    ],
    ['truncated PNG', good.subarray(0, good.length / 2), 'InvalidImageFormatException'],
    ['truncated JPEG', (await sharp(good).jpeg().toBuffer()).subarray(0, 900), 'InvalidImageFormatException'],
    ['first bytes of a PNG', good.subarray(0, 12), 'InvalidImageFormatException'],
    ['1 x 1', await side(1, 1), 'InvalidParameterException'],
    ['63 pixels', await side(63, 100), 'InvalidParameterException'],
    ['ratio 20', await side(64 * 20, 64), 'InvalidParameterException'],
    ['4097 pixels', await side(4097, 300), 'ImageTooLargeException'],
    ['a header of 60000 x 60000', hugePng(60_000, 60_000), 'ImageTooLargeException'],
    ['a bomb of 60000 x 60000', bombPng(60_000, 60_000, 200), 'ImageTooLargeException'],
    ['a bomb behind a small header', bombPng(100, 100, 200), 'ok'],
    ['more than 4 MB', Buffer.alloc(4 * 1024 * 1024 + 1), 'ImageTooLargeException'],
    ['more than 5 MB', Buffer.alloc(5 * 1024 * 1024 + 1), 'ValidationException'],
  ];
  for (const [name, bytes, expected] of cases) {
    const outcome = await detect({ Bytes: bytes }).then(
      () => 'ok',
      (error) => error.name,
    );
    expect([name, outcome]).toEqual([name, expected]);
  }
  expect((await refusal(detect({ Bytes: Buffer.alloc(9 * 1024 * 1024) }))).name).toBe(
    'RequestEntityTooLargeException',
  );
  expect((await detect({ Bytes: good })).CustomLabels![0]!.Name).toBe('red');
});

test('sources that are not there, or contradict each other, are refused', async () => {
  await workspace.put('images', 'big.png', Buffer.alloc(15 * 1024 * 1024 + 1));
  await workspace.put('images', 'text.png', 'not an image');
  const object = (Bucket: string, Name: string, Version?: string) => ({
    S3Object: { Bucket, Name, Version },
  });
  const cases: [Image, string][] = [
    [object('absent-bucket', 'red/0.png'), 'InvalidS3ObjectException'],
    [object('images', 'absent.png'), 'InvalidS3ObjectException'],
    [object('images', 'red'), 'InvalidS3ObjectException'],
    [object('images', '../images/red/0.png'), 'InvalidS3ObjectException'],
    [object('...', 'ocellus.sqlite'), 'InvalidS3ObjectException'],
    [object('images', 'big.png'), 'ImageTooLargeException'],
    [object('images', 'text.png'), 'InvalidImageFormatException'],
    [object('images', 'red/0.png', '1'), 'InvalidS3ObjectException'],
    [{ S3Object: {} }, 'InvalidS3ObjectException'],
    [{}, 'InvalidParameterException'],
    [{ Bytes: Buffer.from('x'), ...object('images', 'red/0.png') }, 'InvalidParameterException'],
  ];
  for (const [image, expected] of cases) {
    const { name } = await refusal(detect(image));
    expect([image.S3Object, name]).toEqual([image.S3Object, expected]);
  }
  const unknown = { ProjectVersionArn: versionArn.replace(/\d+$/, '1') };
  const outcome = await refusal(detect(object('images', 'red/0.png'), unknown));
  expect(outcome.name).toBe('ResourceNotFoundException');
});

test('killed while the model runs, the server runs it again at its next start', async () => {
  const before = await describe();
  await server.kill();
  await start();
  const { CustomLabels } = await detect({ Bytes: await picture(COLOURS.blue, 3000) });
  expect(CustomLabels!.map(({ Name }) => Name)).toEqual(['blue']);
  expect(await describe()).toEqual(before);
});

test('stopped by a signal, the server ends in order, and the model runs again at its next start', async () => {
  expect(await server.stop()).toBe(0);
  await start();
  expect((await describe())?.Status).toBe('RUNNING');
  expect((await detect({ Bytes: await picture(COLOURS.red, 3000) })).CustomLabels![0]!.Name).toBe('red');
});

test('stopped among requests, a model answers them or says that it is not running', async () => {
  const Bytes = await picture(COLOURS.red, 4000);
  const detections = Array.from({ length: 20 }, () => detect({ Bytes }));
  const stopped = await client.send(new StopProjectVersionCommand({ ProjectVersionArn: versionArn }));
  expect(stopped.Status).toBe('STOPPING');
  for (const outcome of await Promise.allSettled(detections)) {
    if (outcome.status === 'fulfilled') expect(outcome.value.CustomLabels![0]!.Name).toBe('red');
    else expect(outcome.reason.name).toBe('ResourceNotReadyException');
  }
  expect(await settled(client, projectArn, 'v1')).toMatchObject({ Status: 'STOPPED', MinInferenceUnits: 1 });
  expect((await refusal(detect({ Bytes }))).name).toBe('ResourceNotReadyException');
});

test('a stopped model is started again with other units, and deleted only when it does not run', async () => {
  const arn = { ProjectVersionArn: versionArn };
  await client.send(new StartProjectVersionCommand({ ...arn, MinInferenceUnits: 2, MaxInferenceUnits: 3 }));
  const running = await settled(client, projectArn, 'v1');
  expect(running).toMatchObject({ Status: 'RUNNING', MinInferenceUnits: 2, MaxInferenceUnits: 3 });
  expect((await refusal(client.send(new DeleteProjectVersionCommand(arn)))).name).toBe(
    'ResourceInUseException',
  );
  await client.send(new StopProjectVersionCommand(arn));
  await settled(client, projectArn, 'v1');
  expect((await client.send(new DeleteProjectVersionCommand(arn))).Status).toBe('DELETING');
  await until(async () => !(await describe()));
  expect(await readdir(join(workspace.directory, 'versions'))).toEqual([]);
  expect(await readdir(join(workspace.directory, 'buckets/results/out'))).toHaveLength(6);
});
