import {
  CreateProjectVersionCommand,
  DeleteProjectCommand,
  DeleteProjectVersionCommand,
  DescribeProjectVersionsCommand,
  type RekognitionClient,
  StartProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createProject,
  createVersion,
  describeVersion,
  manifest,
  refusal,
  settled,
  startInProcess,
  until,
  Workspace,
} from './harness.ts';

// Trainings here end soon, on purpose: their manifests cannot be used.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;
let projectArn: string;
let projects = 0;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace, { OCELLUS_MAX_TRAININGS: '9' });
  client = server.client;
  await workspace.put('images', 'train.manifest', '');
  await workspace.put('images', 'words.manifest', 'This is not a manifest.\nIt is prose.\n');
  await workspace.put('results', 'readme.txt', 'a bucket for results');
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

beforeEach(async () => {
  projectArn = await createProject(client, `parts-${projects++}`);
});

const list = (input = {}) =>
  client.send(new DescribeProjectVersionsCommand({ ProjectArn: projectArn, ...input }));

test('a version is there before its creation is answered; a training that cannot be done fails with the reason', async () => {
  const arn = await createVersion(client, projectArn, 'v.1', {
    VersionDescription: 'A first try: bolts, nuts (M4)',
    Tags: { team: 'vision' },
  });
  const name = projectArn.split('/')[1];
  expect(arn).toMatch(
    new RegExp(String.raw`^arn:aws:rekognition:us-east-1:000000000000:project/${name}/version/v\.1/\d{13}$`),
  );
  const version = await settled(client, projectArn, 'v.1');
  expect(version).toEqual({
    ProjectVersionArn: arn,
    CreationTimestamp: new Date(Number(arn.split('/').at(-1))),
    Status: 'TRAINING_FAILED',
    StatusMessage: 'The manifest file is empty.',
    TrainingEndTimestamp: expect.any(Date),
    OutputConfig: { S3Bucket: 'results', S3KeyPrefix: 'out' },
    TrainingDataResult: { Input: manifest('images', 'train.manifest') },
    TestingDataResult: { Input: { Assets: [], AutoCreate: true } },
    VersionDescription: 'A first try: bolts, nuts (M4)',
    Feature: 'CUSTOM_LABELS',
  });
  expect(version.TrainingEndTimestamp!.getTime()).toBeGreaterThan(version.CreationTimestamp!.getTime());
});

test('manifests that are absent or no manifests end in TRAINING_FAILED, not in an exception', async () => {
  const cases = {
    'no-key': manifest('images', 'absent.manifest'),
    'no-bucket': manifest('absent', 'train.manifest'),
    'no-version': {
      Assets: [
        { GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'train.manifest', Version: '1' } } },
      ],
    },
    escape: manifest('images', '../results/readme.txt'),
    prose: manifest('images', 'words.manifest'),
  };
  for (const [name, TrainingData] of Object.entries(cases)) {
    await createVersion(client, projectArn, name, { TrainingData });
    const { Status, StatusMessage, TrainingDataResult } = await settled(client, projectArn, name);
    expect(TrainingDataResult!.Input).toEqual(TrainingData);
    expect([name, Status]).toEqual([name, 'TRAINING_FAILED']);
    expect(StatusMessage).toMatch(/^The manifest file /);
  }
});

test('requests that contradict themselves or ask for what is not supported are refused and leave nothing', async () => {
  const asset = manifest('images', 'train.manifest');
  const cases: Record<string, object> = {
    'no training data': { TrainingData: undefined },
    'no test data': { TestingData: undefined },
    'no data': { TrainingData: undefined, TestingData: undefined },
    'two assets': { TrainingData: { Assets: [...asset.Assets, ...asset.Assets] } },
    'empty asset': { TrainingData: { Assets: [{}] } },
    'no test asset': { TestingData: { AutoCreate: false } },
    'asset and AutoCreate': { TestingData: { ...asset, AutoCreate: true } },
    'no bucket': { OutputConfig: { S3KeyPrefix: 'out' } },
    'absent bucket': { OutputConfig: { S3Bucket: 'absent' } },
    key: { KmsKeyId: 'alias/mine' },
    moderation: { FeatureConfig: { ContentModeration: { ConfidenceThreshold: 50 } } },
  };
  for (const [name, input] of Object.entries(cases)) {
    const { name: code, message } = await refusal(createVersion(client, projectArn, 'v1', input));
    expect([name, code]).toEqual([name, 'InvalidParameterException']);
    expect(message).toMatch(/^[A-Z].*\.$/);
  }
  expect((await refusal(createVersion(client, projectArn, 'not a name'))).name).toBe('ValidationException');
  const elsewhere = projectArn.replace(/\d+$/, '1');
  expect((await refusal(createVersion(client, elsewhere, 'v1'))).name).toBe('ResourceNotFoundException');
  expect((await list()).ProjectVersionDescriptions).toEqual([]);
});

test('of requests for one name at once one gets it, also a name of dots', async () => {
  for (const name of ['v1', '..']) {
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => createVersion(client, projectArn, name)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }) => reason.name)).toEqual([
      'ResourceInUseException',
      'ResourceInUseException',
    ]);
    await settled(client, projectArn, name);
  }
});

test('a version whose training failed cannot be started, but deleted, and then its project', async () => {
  const arn = { ProjectVersionArn: await createVersion(client, projectArn, 'v1') };
  await settled(client, projectArn, 'v1');
  const start = client.send(new StartProjectVersionCommand({ ...arn, MinInferenceUnits: 1 }));
  expect((await refusal(start)).name).toBe('InvalidParameterException');
  expect((await refusal(client.send(new DeleteProjectCommand({ ProjectArn: projectArn })))).name).toBe(
    'ResourceInUseException',
  );
  expect((await client.send(new DeleteProjectVersionCommand(arn))).Status).toBe('DELETING');
  await until(async () => !(await describeVersion(client, projectArn, 'v1')));
  expect((await refusal(client.send(new DeleteProjectVersionCommand(arn)))).name).toBe(
    'ResourceNotFoundException',
  );
  expect((await client.send(new DeleteProjectCommand({ ProjectArn: projectArn }))).Status).toBe('DELETING');
});

test('versions are listed from new to old, by name and by page', async () => {
  for (const name of ['a', 'b', 'c']) {
    await createVersion(client, projectArn, name);
    await settled(client, projectArn, name);
  }
  const names = (answer: Awaited<ReturnType<typeof list>>) =>
    answer.ProjectVersionDescriptions!.map((version) => version.ProjectVersionArn!.split('/')[3]);
  expect(names(await list())).toEqual(['c', 'b', 'a']);
  expect(names(await list({ VersionNames: ['a', 'unknown', 'c'] }))).toEqual(['c', 'a']);
  const page = await list({ MaxResults: 2 });
  expect(names(page)).toEqual(['c', 'b']);
  expect(names(await list({ MaxResults: 2, NextToken: page.NextToken }))).toEqual(['a']);
  const foreign = { NextToken: page.NextToken, VersionNames: ['a'] };
  expect((await refusal(list(foreign))).name).toBe('InvalidPaginationTokenException');
  const absent = { ProjectArn: projectArn.replace(/\d+$/, '1') };
  expect((await refusal(list(absent))).name).toBe('ResourceNotFoundException');
});

test('required members and their shapes are checked first', async () => {
  const bare = new CreateProjectVersionCommand({
    ProjectArn: 'x',
    VersionName: 'v1',
    OutputConfig: { S3Bucket: 'b' },
  });
  const { name, message } = await refusal(client.send(bare));
  expect(name).toBe('ValidationException');
  expect(message).toMatch(/^3 validation errors detected: .*'projectArn'.*'outputConfig\.s3Bucket'/s);
});
