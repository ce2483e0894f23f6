import {
  CreateDatasetCommand,
  DescribeProjectsCommand,
  DescribeProjectVersionsCommand,
  ListDatasetEntriesCommand,
  ListDatasetLabelsCommand,
  ListProjectPoliciesCommand,
  PutProjectPolicyCommand,
  paginateDescribeProjects,
  paginateDescribeProjectVersions,
  paginateListDatasetEntries,
  paginateListDatasetLabels,
  paginateListProjectPolicies,
  type RekognitionClient,
  StartProjectVersionCommand,
  waitUntilProjectVersionRunning,
  waitUntilProjectVersionTrainingCompleted,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDataset } from '../dataset-calls.ts';
import {
  createProject,
  createVersion,
  putColours,
  refusal,
  settled,
  startInProcess,
  until,
  Workspace,
} from '../harness.ts';
import { type Boto3Call, boto3 } from './boto3/calls.ts';
import { pythonTools } from './python.ts';

// Waiters and paginators of the JavaScript SDK and of boto3, as they come.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;
let projectArn: string;
let datasetArn: string;

beforeAll(async () => {
  await pythonTools();
  workspace = await Workspace.create();
  await putColours(workspace, 5);
  await workspace.put('images', 'empty.manifest', '');
  server = await startInProcess(workspace);
  client = server.client;
  projectArn = await createProject(client, 'waited-for');
}, 300_000);

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

const call = async (...calls: Boto3Call[]) => await boto3(server.url, calls);

test('the waiters for a training and for a running model end when they should', async () => {
  const versionArn = await createVersion(client, projectArn, 'v1');
  const input = { ProjectArn: projectArn, VersionNames: ['v1'] };
  const poll = { client, minDelay: 1, maxDelay: 1, maxWaitTime: 240 };
  const [trained, boto3Trained] = await Promise.all([
    waitUntilProjectVersionTrainingCompleted(poll, input),
    call({ waiter: 'project_version_training_completed', input }),
  ]);
  expect(trained.state).toBe('SUCCESS');
  expect(boto3Trained).toEqual([{ result: null }]);
  const start = { ProjectVersionArn: versionArn, MinInferenceUnits: 1 };
  expect((await client.send(new StartProjectVersionCommand(start))).Status).toBe('STARTING');
  const [running, boto3Running] = await Promise.all([
    waitUntilProjectVersionRunning(poll, input),
    call({ waiter: 'project_version_running', input }),
  ]);
  expect(running.state).toBe('SUCCESS');
  expect(boto3Running).toEqual([{ result: null }]);
}, 300_000);

test('the waiter for a training sees that it failed', async () => {
  const failing = await createProject(client, 'failing');
  const TrainingData = {
    Assets: [{ GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'empty.manifest' } } }],
  };
  await createVersion(client, failing, 'v1', { TrainingData });
  const input = { ProjectArn: failing };
  const poll = { client, minDelay: 1, maxDelay: 1, maxWaitTime: 60 };
  await expect(waitUntilProjectVersionTrainingCompleted(poll, input)).rejects.toThrow(/FAILURE/);
  const absent = { ProjectArn: failing.replace(/\d+$/, '1') };
  expect(
    await call(
      { waiter: 'project_version_training_completed', input },
      { operation: 'describe_project_versions', input: absent },
      { operation: 'describe_projects', input: { NextToken: 'foreign' } },
    ),
  ).toEqual([
    { error: 'WaiterError' },
    { error: 'ResourceNotFoundException' },
    { error: 'InvalidPaginationTokenException' },
  ]);
});

/** What there is to page through, in pages of two: more than two of everything. */
async function fill(): Promise<void> {
  for (const name of ['a', 'b', 'c']) await createProject(client, name);
  const TrainingData = {
    Assets: [{ GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'empty.manifest' } } }],
  };
  for (const name of ['f1', 'f2']) {
    await createVersion(client, projectArn, name, { TrainingData });
    await settled(client, projectArn, name);
  }
  const PolicyDocument =
    '{"Statement":{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"}}';
  for (const PolicyName of ['p1', 'p2', 'p3']) {
    await client.send(new PutProjectPolicyCommand({ ProjectArn: projectArn, PolicyName, PolicyDocument }));
  }
  const label = (key: string, name: string) =>
    JSON.stringify({
      'source-ref': `s3://images/${key}.png`,
      kind: 1,
      'kind-metadata': {
        confidence: 1,
        'class-name': name,
        'human-annotated': 'yes',
        'creation-date': '2026-03-06T17:46:39.176',
        type: 'groundtruth/image-classification',
      },
    });
  const lines = ['red', 'green', 'blue', 'black', 'white'].map((name, i) => label(String(i), name));
  await workspace.put('images', 'five.manifest', lines.join('\n'));
  const dataset = await client.send(
    new CreateDatasetCommand({
      ProjectArn: await createProject(client, 'with-dataset'),
      DatasetType: 'TRAIN',
      DatasetSource: { GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'five.manifest' } } },
    }),
  );
  datasetArn = dataset.DatasetArn!;
  await until(async () => (await describeDataset(client, datasetArn)).Status === 'CREATE_COMPLETE');
}

/** The lists of the pages, and what boto3 made of the same. */
async function pages<Page extends object>(
  paginated: AsyncIterable<Page>,
  member: keyof Page & string,
  paginator: string,
  input: object,
): Promise<number[]> {
  const mine: unknown[][] = [];
  for await (const page of paginated) mine.push(page[member] as unknown[]);
  const [outcome] = await call({ paginator, input, size: 2 });
  if (!outcome || 'error' in outcome) throw new Error(JSON.stringify(outcome));
  const theirs = (outcome.result as Record<string, unknown[]>[]).map((page) => page[member]!.length);
  const lengths = mine.map((list) => list.length);
  expect([paginator, theirs]).toEqual([paginator, lengths]);
  expect(new Set(mine.flat().map((item) => JSON.stringify(item))).size).toBe(mine.flat().length);
  return lengths;
}

test('every paginator gets everything once, in pages of the size that was asked for', async () => {
  await fill();
  const config = { client, pageSize: 2 };
  // The SDK's paginators leave the last token in their input.
  const project = () => ({ ProjectArn: projectArn });
  const dataset = () => ({ DatasetArn: datasetArn });
  const lengths = {
    projects: await pages(
      paginateDescribeProjects(config, {}),
      'ProjectDescriptions',
      'describe_projects',
      {},
    ),
    versions: await pages(
      paginateDescribeProjectVersions(config, project()),
      'ProjectVersionDescriptions',
      'describe_project_versions',
      project(),
    ),
    policies: await pages(
      paginateListProjectPolicies(config, project()),
      'ProjectPolicies',
      'list_project_policies',
      project(),
    ),
    entries: await pages(
      paginateListDatasetEntries(config, dataset()),
      'DatasetEntries',
      'list_dataset_entries',
      dataset(),
    ),
    labels: await pages(
      paginateListDatasetLabels(config, dataset()),
      'DatasetLabelDescriptions',
      'list_dataset_labels',
      dataset(),
    ),
  };
  expect(lengths).toEqual({
    projects: [2, 2, 2],
    versions: [2, 1],
    policies: [2, 1],
    entries: [2, 2, 1],
    labels: [2, 2, 1],
  });
});

test('tokens say nothing, outlive a restart, and are refused when they are foreign or altered', async () => {
  const project = { ProjectArn: projectArn, MaxResults: 1 };
  const dataset = { DatasetArn: datasetArn, MaxResults: 1 };
  const lists = (NextToken?: string) => [
    () => client.send(new DescribeProjectsCommand({ MaxResults: 1, NextToken })),
    () => client.send(new DescribeProjectVersionsCommand({ ...project, NextToken })),
    () => client.send(new ListProjectPoliciesCommand({ ...project, NextToken })),
    () => client.send(new ListDatasetEntriesCommand({ ...dataset, NextToken })),
    () => client.send(new ListDatasetLabelsCommand({ ...dataset, NextToken })),
  ];
  const tokens: string[] = [];
  for (const list of lists()) tokens.push((await list()).NextToken!);
  await server.close();
  server = await startInProcess(workspace);
  client = server.client;
  for (const [index, token] of tokens.entries()) {
    expect(token).toMatch(/^[\w-]{1,1024}$/);
    const next = await lists(token)[index]!();
    expect(next.NextToken).toBeTruthy();
    const altered = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    for (const wrong of [altered, `${token}A`, tokens[(index + 1) % tokens.length]!]) {
      const { name } = await refusal(lists(wrong)[index]!());
      expect([index, wrong, name]).toEqual([index, wrong, 'InvalidPaginationTokenException']);
    }
  }
});
