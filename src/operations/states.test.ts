import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { closeServices, openServices } from '../server.ts';
import { createProject } from '../store/projects.ts';
import type { VersionStatus } from '../store/schema.ts';
import {
  createVersion,
  findVersion,
  listVersions,
  moveVersion,
  type ProjectVersion,
} from '../store/versions.ts';
import { CopyProjectVersion } from './CopyProjectVersion.ts';
import { DeleteProjectVersion } from './DeleteProjectVersion.ts';
import { DetectCustomLabels } from './DetectCustomLabels.ts';
import { ServiceError, type ServiceErrorCode } from './errors.ts';
import type { Context } from './operation.ts';
import { StartProjectVersion } from './StartProjectVersion.ts';
import { StopProjectVersion } from './StopProjectVersion.ts';

const RIU = 'ResourceInUseException';
const RNR = 'ResourceNotReadyException';
const IPE = 'InvalidParameterException';

type Answer = 'ok' | ServiceErrorCode;

type Row = [start: Answer, stop: Answer, remove: Answer, detect: Answer, copy: Answer];

/** What Start, Stop, Delete, DetectCustomLabels and Copy (of it) answer in each status. */
const MATRIX: Record<VersionStatus, Row> = {
  TRAINING_IN_PROGRESS: [RIU, RIU, RIU, RNR, RIU],
  TRAINING_COMPLETED: ['ok', RIU, 'ok', RNR, 'ok'],
  TRAINING_FAILED: [IPE, RIU, 'ok', RNR, IPE],
  STARTING: [RIU, RIU, RIU, RNR, 'ok'],
  // An image is recognised as one only when there is a model: the whole-system tests detect with one.
  RUNNING: [RIU, 'ok', RIU, RNR, 'ok'],
  FAILED: ['ok', 'ok', 'ok', RNR, 'ok'],
  STOPPING: [RIU, RIU, RIU, RNR, 'ok'],
  STOPPED: ['ok', RIU, 'ok', RNR, 'ok'],
  DELETING: [RIU, RIU, RIU, RNR, RIU],
  COPYING_IN_PROGRESS: [RIU, RIU, RIU, RNR, RIU],
  COPYING_COMPLETED: ['ok', RIU, 'ok', RNR, 'ok'],
  COPYING_FAILED: [IPE, RIU, 'ok', RNR, IPE],
};
const STATUSES = Object.keys(MATRIX) as VersionStatus[];

let directory: string;
let context: Context;
let projectArn: string;
let projectId: string;
let version: ProjectVersion;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-states-'));
  const services = await openServices(readConfig({ OCELLUS_DATA_DIR: directory }));
  await mkdir(join(directory, 'buckets/results'));
  const caller = { arn: 'arn:aws:iam::000000000000:user/test', account: '000000000000', region: 'us-east-1' };
  context = { ...services, caller };
  const { account, region } = context.caller;
  const project = await createProject(context.database, { account, region, name: 'parts', limit: 1 });
  if (typeof project === 'string') throw new Error(project);
  projectArn = project.arn;
  projectId = project.id;
});

afterAll(async () => {
  await closeServices(context);
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  const created = await createVersion(context.database, {
    projectArn,
    name: '1',
    request: { training: { bucket: 'images', key: 'm' }, output: { bucket: 'results' } },
    versionLimit: 2,
    busyLimit: 1,
  });
  if (typeof created === 'string') throw new Error(created);
  version = created;
});

afterEach(async () => {
  await context.models.close();
  await moveVersion(context.database, version.id, STATUSES, 'DELETING');
  await context.folders.finishDeletion(context.database, version.id);
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

const statusNow = async () => (await findVersion(context.database, version.arn))?.status;

describe.each(STATUSES)('in the status %s', (status) => {
  const [start, stop, remove, detect, copy] = MATRIX[status];
  const arn = () => ({ ProjectVersionArn: version.arn });

  beforeEach(async () => {
    await moveVersion(context.database, version.id, STATUSES, status);
  });

  test(`StartProjectVersion: ${start}`, async () => {
    const input = { ...arn(), MinInferenceUnits: 1, MaxInferenceUnits: undefined };
    expect(await outcome(StartProjectVersion.handle(input, context))).toBe(start);
    if (start !== 'ok') return expect(await statusNow()).toBe(status);
    // There is no model file, so the start that was accepted ends in FAILED.
    await expect.poll(statusNow).toBe('FAILED');
  });

  test(`StopProjectVersion: ${stop}`, async () => {
    expect(await outcome(StopProjectVersion.handle(arn(), context))).toBe(stop);
    if (stop !== 'ok') return expect(await statusNow()).toBe(status);
    await expect.poll(statusNow).toBe('STOPPED');
  });

  test(`DeleteProjectVersion: ${remove}`, async () => {
    expect(await outcome(DeleteProjectVersion.handle(arn(), context))).toBe(remove);
    expect(await statusNow()).toBe(remove === 'ok' ? undefined : status);
  });

  test(`DetectCustomLabels: ${detect}`, async () => {
    const input = { ...arn(), Image: { Bytes: Buffer.from('x') } };
    expect(await outcome(DetectCustomLabels.handle(input, context))).toBe(detect);
    expect(await statusNow()).toBe(status);
  });

  test(`CopyProjectVersion: ${copy}`, async () => {
    const input = {
      SourceProjectArn: projectArn,
      SourceProjectVersionArn: version.arn,
      DestinationProjectArn: projectArn,
      VersionName: 'copy',
      OutputConfig: { S3Bucket: 'results' },
    };
    expect(await outcome(CopyProjectVersion.handle(input, context))).toBe(copy);
    expect(await statusNow()).toBe(status);
    const copies = () => listVersions(context.database, { projectId, names: ['copy'], limit: 1 });
    if (copy !== 'ok') return expect(await copies()).toEqual([]);
    // There is no model file, so the copying that was accepted ends in COPYING_FAILED.
    await expect.poll(async () => (await copies())[0]?.status).toBe('COPYING_FAILED');
    const [made] = await copies();
    await outcome(DeleteProjectVersion.handle({ ProjectVersionArn: made!.arn }, context));
  });
});

test('started twice at the same time, one start is accepted', async () => {
  await moveVersion(context.database, version.id, STATUSES, 'STOPPED');
  const input = { ProjectVersionArn: version.arn, MinInferenceUnits: 1 };
  const answers = await Promise.all([1, 2, 3].map(() => outcome(StartProjectVersion.handle(input, context))));
  expect(answers.sort()).toEqual([RIU, RIU, 'ok']);
});

test('inference units have their limits', async () => {
  await moveVersion(context.database, version.id, STATUSES, 'STOPPED');
  const start = (MinInferenceUnits: number, MaxInferenceUnits?: number) =>
    outcome(
      StartProjectVersion.handle(
        { ProjectVersionArn: version.arn, MinInferenceUnits, MaxInferenceUnits },
        context,
      ),
    );
  expect(await start(2, 1)).toBe(IPE);
  expect(await start(6)).toBe('LimitExceededException');
  expect(await start(1, 6)).toBe('LimitExceededException');
  expect(await start(5, 5)).toBe('ok');
});
