import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CopyProjectVersionCommand,
  type CopyProjectVersionCommandInput,
  DeleteProjectVersionCommand,
  DetectCustomLabelsCommand,
  ListTagsForResourceCommand,
  type ProjectVersionDescription,
  type RekognitionClient,
  StartProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  Workspace,
} from './harness.ts';

// A trained model is copied, in a server that is killed on the way. The tests build on each other.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof spawnServer>>;
let client: RekognitionClient;
let source: { projectArn: string; arn: string; description: ProjectVersionDescription };
let destination: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  await putColours(workspace, 5);
  await workspace.put('copies', 'readme.txt', 'a bucket for copies');
  server = await spawnServer(workspace, { OCELLUS_MAX_RUNNING_MODELS: '9' });
  client = server.client;
  const projectArn = await createProject(client, 'source');
  const arn = await createVersion(client, projectArn, 'v1', { Tags: { of: 'source' } });
  source = { projectArn, arn, description: await settled(client, projectArn, 'v1') };
  expect(source.description.Status).toBe('TRAINING_COMPLETED');
  destination = await createProject(client, 'destination');
}, 300_000);

afterAll(async () => {
  await server.kill();
  await workspace.remove();
});

async function copy(VersionName: string, input: Partial<CopyProjectVersionCommandInput> = {}) {
  const { ProjectVersionArn } = await client.send(
    new CopyProjectVersionCommand({
      SourceProjectArn: source.projectArn,
      SourceProjectVersionArn: source.arn,
      DestinationProjectArn: destination,
      VersionName,
      OutputConfig: { S3Bucket: 'copies', S3KeyPrefix: 'some/where/' },
      ...input,
    }),
  );
  return ProjectVersionArn!;
}

const file = (bucket: string, key: string) =>
  readFile(join(workspace.directory, 'buckets', bucket, key), 'utf8');

/** Places of the result files by their names in the description. */
function filesOf(version: ProjectVersionDescription) {
  return [
    version.EvaluationResult!.Summary!.S3Object!,
    version.ManifestSummary!.S3Object!,
    ...[version.TrainingDataResult!, version.TestingDataResult!].flatMap(({ Output, Validation }) =>
      [Output!, Validation!].map(({ Assets }) => Assets![0]!.GroundTruthManifest!.S3Object!),
    ),
  ];
}

test('a copy has the model and the result files, and says where it comes from', async () => {
  const arn = await copy('c1', { Tags: { of: 'copy' } });
  expect(arn).toMatch(/:project\/destination\/version\/c1\/\d{13}$/);
  const first = (await describeVersion(client, destination, 'c1'))!;
  expect(['COPYING_IN_PROGRESS', 'COPYING_COMPLETED']).toContain(first.Status);
  const version = await settled(client, destination, 'c1');
  expect(version).toEqual({
    ProjectVersionArn: arn,
    CreationTimestamp: expect.any(Date),
    Status: 'COPYING_COMPLETED',
    StatusMessage: 'The model is ready to run.',
    OutputConfig: { S3Bucket: 'copies', S3KeyPrefix: 'some/where/' },
    SourceProjectVersionArn: source.arn,
    TrainingDataResult: { Output: expect.any(Object), Validation: expect.any(Object) },
    TestingDataResult: { Output: expect.any(Object), Validation: expect.any(Object) },
    EvaluationResult: { F1Score: source.description.EvaluationResult!.F1Score, Summary: expect.any(Object) },
    ManifestSummary: expect.any(Object),
    Feature: 'CUSTOM_LABELS',
  });
  const originals = filesOf(source.description);
  for (const [index, { Bucket, Name }] of filesOf(version).entries()) {
    expect(Bucket).toBe('copies');
    expect(Name).toMatch(/^some\/where\/\w+-destination-c1\.json$/);
    const original = originals[index]!;
    expect(await file(Bucket!, Name!)).toBe(await file(original.Bucket!, original.Name!));
  }
  const { Tags } = await client.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
  expect(Tags).toEqual({ of: 'copy' });
});

test('the copy runs like any other model, also when its source is gone, and can be copied itself', async () => {
  const again = await copy('c2', { DestinationProjectArn: source.projectArn });
  expect((await settled(client, source.projectArn, 'c2')).Status).toBe('COPYING_COMPLETED');
  await client.send(new DeleteProjectVersionCommand({ ProjectVersionArn: source.arn }));
  const fromCopy = await copy('c3', { SourceProjectVersionArn: again });
  const version = await settled(client, destination, 'c3');
  expect(version).toMatchObject({ Status: 'COPYING_COMPLETED', SourceProjectVersionArn: again });
  for (const [projectArn, arn, name] of [
    [source.projectArn, again, 'c2'],
    [destination, fromCopy, 'c3'],
  ] as const) {
    await client.send(new StartProjectVersionCommand({ ProjectVersionArn: arn, MinInferenceUnits: 1 }));
    expect((await settled(client, projectArn, name)).Status).toBe('RUNNING');
    const Image = { Bytes: await picture(COLOURS.blue, 500) };
    const answer = await client.send(new DetectCustomLabelsCommand({ ProjectVersionArn: arn, Image }));
    expect(answer.CustomLabels!.map(({ Name }) => Name)).toEqual(['blue']);
  }
  source = { ...source, arn: again };
});

test('killed at once after a copy was accepted, the server makes it after its next start', async () => {
  for (const name of ['k1', 'k2', 'k3']) {
    const arn = await copy(name);
    await server.kill();
    server = await spawnServer(workspace, { OCELLUS_MAX_RUNNING_MODELS: '9' });
    client = server.client;
    const version = await settled(client, destination, name);
    expect(version).toMatchObject({ ProjectVersionArn: arn, Status: 'COPYING_COMPLETED' });
    for (const { Bucket, Name } of filesOf(version)) expect(await file(Bucket!, Name!)).not.toBe('');
  }
});

test('what does not fit is refused, and nothing is left of it', async () => {
  const elsewhere = (arn: string) => arn.replace('us-east-1', 'eu-west-1');
  const foreign = (arn: string) => arn.replace('000000000000', '111122223333');
  const absent = (arn: string) => arn.replace(/\d+$/, '1');
  const of = (change: (arn: string) => string) => ({
    SourceProjectArn: change(source.projectArn),
    SourceProjectVersionArn: change(source.arn),
  });
  const cases: [string, Partial<CopyProjectVersionCommandInput>, string][] = [
    ['name taken', { VersionName: 'c1' }, 'ResourceInUseException'],
    ['another project', { SourceProjectArn: destination }, 'InvalidParameterException'],
    ['another Region', of(elsewhere), 'InvalidParameterException'],
    ['another account', of(foreign), 'AccessDeniedException'],
    ['to another account', { DestinationProjectArn: foreign(destination) }, 'InvalidParameterException'],
    ['no project', { SourceProjectArn: absent(source.projectArn) }, 'ResourceNotFoundException'],
    ['no version', { SourceProjectVersionArn: absent(source.arn) }, 'ResourceNotFoundException'],
    ['no destination', { DestinationProjectArn: absent(destination) }, 'ResourceNotFoundException'],
    ['no bucket', { OutputConfig: {} }, 'InvalidParameterException'],
    ['absent bucket', { OutputConfig: { S3Bucket: 'absent' } }, 'InvalidParameterException'],
    ['a key', { KmsKeyId: 'alias/mine' }, 'InvalidParameterException'],
  ];
  for (const [what, input, code] of cases) {
    const { name, message } = await refusal(copy('refused', input));
    expect([what, name]).toEqual([what, code]);
    expect(message).toMatch(/^[A-Z]/);
  }
  expect(await describeVersion(client, destination, 'refused')).toBeUndefined();
});

test('a copy that cannot be made ends in COPYING_FAILED with the reason, and can be deleted', async () => {
  const { Bucket, Name } = filesOf(await settled(client, destination, 'c1'))[0]!;
  const c1 = (await describeVersion(client, destination, 'c1'))!;
  await rm(join(workspace.directory, 'buckets', Bucket!, Name!));
  const input = { SourceProjectArn: destination, SourceProjectVersionArn: c1.ProjectVersionArn! };
  const arn = await copy('failed', input);
  const version = await settled(client, destination, 'failed');
  expect(version.Status).toBe('COPYING_FAILED');
  expect(version.StatusMessage).toContain(`s3://${Bucket}/${Name}`);
  expect(version.EvaluationResult).toBeUndefined();
  const start = client.send(new StartProjectVersionCommand({ ProjectVersionArn: arn, MinInferenceUnits: 1 }));
  expect((await refusal(start)).name).toBe('InvalidParameterException');
  const again = { SourceProjectArn: destination, SourceProjectVersionArn: arn };
  expect((await refusal(copy('again', again))).name).toBe('InvalidParameterException');
  const versions = async () => (await readdir(join(workspace.directory, 'versions'))).length;
  const before = await versions();
  await client.send(new DeleteProjectVersionCommand({ ProjectVersionArn: arn }));
  expect(await versions()).toBe(before - 1);
});
