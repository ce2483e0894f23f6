import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { CreateDataset } from '../src/operations/CreateDataset.ts';
import { CreateProjectVersion } from '../src/operations/CreateProjectVersion.ts';
import { DeleteDataset } from '../src/operations/DeleteDataset.ts';
import { DistributeDatasetEntries } from '../src/operations/DistributeDatasetEntries.ts';
import { ServiceError, type ServiceErrorCode } from '../src/operations/errors.ts';
import { ListDatasetEntries } from '../src/operations/ListDatasetEntries.ts';
import { ListDatasetLabels } from '../src/operations/ListDatasetLabels.ts';
import type { Context } from '../src/operations/operation.ts';
import { UpdateDatasetEntries } from '../src/operations/UpdateDatasetEntries.ts';
import { openServices } from '../src/server.ts';
import { type Dataset, findDataset } from '../src/store/datasets.ts';
import { insertEntries } from '../src/store/entries.ts';
import { createProject } from '../src/store/projects.ts';
import type { DatasetStatus } from '../src/store/schema.ts';
import { Workspace } from './harness.ts';

const RIU = 'ResourceInUseException';
const RNR = 'ResourceNotReadyException';
const IPE = 'InvalidParameterException';

type Answer = 'ok' | ServiceErrorCode;

/** What the operations answer on a TRAIN data set in each status. */
const MATRIX: Record<
  DatasetStatus,
  [list: Answer, change: Answer, distribute: Answer, remove: Answer, copy: Answer, train: Answer]
> = {
  CREATE_IN_PROGRESS: [RNR, RIU, RNR, RIU, IPE, RIU],
  CREATE_COMPLETE: ['ok', 'ok', 'ok', 'ok', 'ok', 'ok'],
  CREATE_FAILED: [RNR, IPE, RNR, 'ok', IPE, RIU],
  UPDATE_IN_PROGRESS: [RIU, RIU, RNR, RIU, IPE, RIU],
  UPDATE_COMPLETE: ['ok', 'ok', 'ok', 'ok', 'ok', 'ok'],
  UPDATE_FAILED: ['ok', 'ok', 'ok', 'ok', 'ok', RIU],
  DELETE_IN_PROGRESS: [RIU, RIU, RNR, RIU, IPE, RIU],
};
const STATUSES = Object.keys(MATRIX) as DatasetStatus[];

let workspace: Workspace;
let context: Context;
let projectArn: string;
let train: Dataset;
let testArn: string;
let projects = 0;

beforeAll(async () => {
  workspace = await Workspace.create();
  const config = readConfig(workspace.environment({ OCELLUS_MAX_TRAININGS: '99' }));
  const services = await openServices(config, { info() {}, warn() {}, error() {} });
  const caller = { arn: 'arn:aws:iam::000000000000:user/test', account: '000000000000', region: 'us-east-1' };
  context = { ...services, caller };
  await mkdir(join(workspace.directory, 'buckets/results'));
  await writeFile(join(workspace.directory, 'buckets/results/readme.txt'), 'a bucket');
});

afterAll(async () => {
  await Promise.all([context.datasets.close(), context.trainings.close()]);
  await context.database.destroy();
  await workspace.remove();
});

async function newProject(): Promise<string> {
  const { account, region } = context.caller;
  const project = { account, region, name: `parts-${projects++}`, limit: 1000 };
  const created = await createProject(context.database, project);
  if (typeof created === 'string') throw new Error(created);
  return created.arn;
}

async function create(ProjectArn: string, DatasetType: 'TRAIN' | 'TEST', source?: string): Promise<string> {
  const { DatasetArn } = await CreateDataset.handle(
    {
      ProjectArn,
      DatasetType,
      DatasetSource: { DatasetArn: source, GroundTruthManifest: undefined },
      Tags: undefined,
    },
    context,
  );
  return DatasetArn!;
}

/** A project with a TRAIN data set of one entry and an empty TEST data set. */
beforeEach(async () => {
  projectArn = await newProject();
  const arn = await create(projectArn, 'TRAIN');
  testArn = await create(projectArn, 'TEST');
  train = (await findDataset(context.database, arn))!;
  await insertEntries(context.database, train.id, [
    {
      position: 1,
      sourceRef: 's3://pictures/a',
      line: '{"source-ref":"s3://pictures/a"}',
      labeled: false,
      hasErrors: false,
      hasFindings: true,
      labels: [],
    },
  ]);
});

async function outcome(work: Promise<unknown>): Promise<Answer> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

const lines = Buffer.from('{"source-ref":"s3://pictures/b"}');
const page = { NextToken: undefined, MaxResults: undefined };

const CALLS: Record<string, [column: number, call: () => Promise<unknown>]> = {
  ListDatasetEntries: [
    0,
    () =>
      ListDatasetEntries.handle(
        {
          DatasetArn: train.arn,
          ContainsLabels: undefined,
          Labeled: undefined,
          SourceRefContains: undefined,
          HasErrors: undefined,
          ...page,
        },
        context,
      ),
  ],
  ListDatasetLabels: [0, () => ListDatasetLabels.handle({ DatasetArn: train.arn, ...page }, context)],
  UpdateDatasetEntries: [
    1,
    () => UpdateDatasetEntries.handle({ DatasetArn: train.arn, Changes: { GroundTruth: lines } }, context),
  ],
  DistributeDatasetEntries: [
    2,
    () => DistributeDatasetEntries.handle({ Datasets: [{ Arn: train.arn }, { Arn: testArn }] }, context),
  ],
  DeleteDataset: [3, () => DeleteDataset.handle({ DatasetArn: train.arn }, context)],
  'CreateDataset as a copy': [4, async () => create(await newProject(), 'TRAIN', train.arn)],
  CreateProjectVersion: [
    5,
    () =>
      CreateProjectVersion.handle(
        {
          ProjectArn: projectArn,
          VersionName: '1',
          OutputConfig: { S3Bucket: 'results', S3KeyPrefix: undefined },
          TrainingData: undefined,
          TestingData: undefined,
          Tags: undefined,
          KmsKeyId: undefined,
          VersionDescription: undefined,
          FeatureConfig: undefined,
        },
        context,
      ),
  ],
};

describe.each(STATUSES)('in the status %s', (status) => {
  beforeEach(async () => {
    await context.database.updateTable('datasets').set({ status }).where('id', '=', train.id).execute();
  });

  test.each(Object.keys(CALLS))('%s', async (name) => {
    const [column, call] = CALLS[name]!;
    expect(await outcome(call())).toBe(MATRIX[status][column]);
  });
});
