import {
  CreateProjectVersionCommand,
  DeleteDatasetCommand,
  DistributeDatasetEntriesCommand,
  type RekognitionClient,
} from '@aws-sdk/client-rekognition';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createDataset,
  describeDataset,
  ended,
  fromManifest,
  jsonLines,
  labelled,
  listEntries,
  updateEntries,
} from './dataset-calls.ts';
import { createProject, settled, spawnServer, until, Workspace } from './harness.ts';

// The server is killed right after it answered, and everything it had promised is there in the end. How far it came
// before it was killed differs from run to run; the end doesn't.

const LINES = 3000;

let workspace: Workspace;
let server: Awaited<ReturnType<typeof spawnServer>>;
let client: RekognitionClient;

async function start(): Promise<void> {
  server = await spawnServer(workspace);
  client = server.client;
}

async function killAndStart(): Promise<void> {
  await server.kill();
  await start();
}

beforeEach(async () => {
  workspace = await Workspace.create();
  await start();
});

afterEach(async () => {
  await server.stop();
  await workspace.remove();
});

test('creations, updates, distributions and deletions survive kill -9', async () => {
  const lines = Array.from({ length: LINES }, (_, i) => labelled(`${i}`, ['cat', 'dog'][i % 2]!));
  await workspace.put('manifests', 'all', jsonLines(lines));
  const projectArn = await createProject(client, 'parts');
  const train = await createDataset(client, projectArn, 'TRAIN', { DatasetSource: fromManifest('all') });
  await killAndStart();
  expect(await ended(client, train)).toMatchObject({
    Status: 'CREATE_COMPLETE',
    DatasetStats: { TotalEntries: LINES, LabeledEntries: LINES, TotalLabels: 2 },
  });

  // A copy, and a change of its source that was asked for later.
  const test = await createDataset(client, projectArn, 'TEST', { DatasetSource: { DatasetArn: train } });
  await updateEntries(client, train, [
    ...Array.from({ length: LINES }, (_, i) => labelled(`${i}`, 'bird')),
    labelled('new', 'bird'),
  ]);
  await killAndStart();
  expect(await ended(client, test)).toMatchObject({
    Status: 'CREATE_COMPLETE',
    DatasetStats: { TotalEntries: LINES, TotalLabels: 2 },
  });
  expect(await ended(client, train)).toMatchObject({
    Status: 'UPDATE_COMPLETE',
    DatasetStats: { TotalEntries: LINES + 1, LabeledEntries: LINES + 1, TotalLabels: 1 },
  });

  await client.send(new DeleteDatasetCommand({ DatasetArn: test }));
  await killAndStart();
  await until(() =>
    describeDataset(client, test).then(
      () => false,
      ({ name }) => name === 'ResourceNotFoundException',
    ),
  );

  const empty = await createDataset(client, projectArn, 'TEST');
  await client.send(new DistributeDatasetEntriesCommand({ Datasets: [{ Arn: train }, { Arn: empty }] }));
  await killAndStart();
  expect(await ended(client, empty)).toMatchObject({ Status: 'UPDATE_COMPLETE' });
  expect(await ended(client, train)).toMatchObject({ Status: 'UPDATE_COMPLETE' });
  const sizes = [await listEntries(client, train), await listEntries(client, empty)].map(
    ({ length }) => length,
  );
  expect(sizes).toEqual([2401, 600]);
});

test('a training has the entries that were there when it was asked for, whatever happens to them', async () => {
  await workspace.put('results', 'readme.txt', 'a bucket for results');
  const lines = Array.from({ length: 600 }, (_, i) => labelled(`${i}`, ['cat', 'dog'][i % 2]!));
  await workspace.put('manifests', 'all', jsonLines(lines));
  const projectArn = await createProject(client, 'parts');
  const train = await createDataset(client, projectArn, 'TRAIN', { DatasetSource: fromManifest('all') });
  await ended(client, train);
  await client.send(
    new CreateProjectVersionCommand({
      ProjectArn: projectArn,
      VersionName: '1',
      OutputConfig: { S3Bucket: 'results' },
    }),
  );
  await client.send(new DeleteDatasetCommand({ DatasetArn: train }));
  await killAndStart();
  await until(() =>
    describeDataset(client, train).then(
      () => false,
      ({ name }) => name === 'ResourceNotFoundException',
    ),
  );
  const version = await settled(client, projectArn, '1');
  // There is no bucket "pictures", which is found out when the entries have been read.
  expect(version).toMatchObject({
    Status: 'TRAINING_FAILED',
    StatusMessage: 'The permissions for the images S3 bucket are invalid.',
  });
  const { Name } = version.ManifestSummary!.S3Object!;
  const summary = await workspace.read('results', Name!);
  const { training, testing } = JSON.parse(summary).statistics;
  expect(training.total_json_lines + testing.total_json_lines).toBe(600);
});
