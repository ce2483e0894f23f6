import { CreateProjectVersionCommand, type RekognitionClient } from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataset, ended, fromManifest, listEntries, updateEntries } from './dataset-calls.ts';
import {
  createProject,
  createVersion,
  putColours,
  refusal,
  settled,
  startInProcess,
  Workspace,
} from './harness.ts';

// Trainings from a project's data sets.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
  client = server.client;
  await putColours(workspace, 10);
  await workspace.put('manifests', 'all', await workspace.read('images', 'train.manifest'));
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

async function train(projectArn: string, VersionName: string) {
  await client.send(
    new CreateProjectVersionCommand({
      ProjectArn: projectArn,
      VersionName,
      OutputConfig: { S3Bucket: 'results', S3KeyPrefix: VersionName },
    }),
  );
  return await settled(client, projectArn, VersionName);
}

const summary = async (version: Awaited<ReturnType<typeof train>>) =>
  JSON.parse(await workspace.read('results', version.ManifestSummary!.S3Object!.Name!)).statistics;

test('a TRAIN data set alone is split inside the training, and stays as it is', async () => {
  const projectArn = await createProject(client, 'alone');
  const arn = await createDataset(client, projectArn, 'TRAIN', { DatasetSource: fromManifest('all') });
  await ended(client, arn);
  const version = await train(projectArn, 'first');
  expect(version).toMatchObject({
    Status: 'TRAINING_COMPLETED',
    TrainingDataResult: { Input: {} },
    TestingDataResult: { Input: { AutoCreate: true }, Output: { AutoCreate: true } },
  });
  expect(version.TrainingDataResult?.Input).toEqual({});
  expect(version.TestingDataResult?.Input).toEqual({ AutoCreate: true });
  expect(await summary(version)).toMatchObject({
    training: { valid_json_lines: 16, total_json_lines: 16 },
    testing: { valid_json_lines: 4 },
  });
  expect(await listEntries(client, arn)).toHaveLength(20);
  const manifests = createVersion(client, projectArn, 'second');
  expect(await refusal(manifests)).toMatchObject({ name: 'InvalidParameterException' });
});

test('TRAIN and TEST data sets are used as they are; empty ones fail the training', async () => {
  const projectArn = await createProject(client, 'both');
  const [training, testing] = [
    await createDataset(client, projectArn, 'TRAIN', { DatasetSource: fromManifest('all') }),
    await createDataset(client, projectArn, 'TEST'),
  ];
  await ended(client, training);
  expect(await train(projectArn, 'empty')).toMatchObject({
    Status: 'TRAINING_FAILED',
    StatusMessage: 'The manifest file is empty.',
  });
  const entries = await listEntries(client, training);
  const renamed = entries.map((entry) =>
    JSON.parse(JSON.stringify(entry).replaceAll(/"(red|blue)"/g, '"$1ish"')),
  );
  await updateEntries(client, testing, [...renamed.slice(0, 3), ...renamed.slice(-3)]);
  await ended(client, testing);
  const version = await train(projectArn, 'full');
  // Nothing is trained, so that the test is short: the sets have no label in common.
  expect(version).toMatchObject({
    Status: 'TRAINING_FAILED',
    StatusMessage: 'Less than 50% label overlap between the training and testing manifest files.',
  });
  expect(version.TrainingDataResult?.Input).toEqual({});
  expect(version.TestingDataResult?.Input).toEqual({ AutoCreate: false });
  expect(await summary(version)).toMatchObject({
    training: { valid_json_lines: 20 },
    testing: { valid_json_lines: 6 },
  });
});

test('a TEST data set alone is refused', async () => {
  const projectArn = await createProject(client, 'no-train');
  await createDataset(client, projectArn, 'TEST');
  expect(await refusal(train(projectArn, 'first'))).toMatchObject({ name: 'InvalidParameterException' });
});
