import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DatasetQueue } from '../datasets/queue.ts';
import { VersionFolders } from '../store/folders.ts';
import { createProject } from '../store/projects.ts';
import type { Database } from '../store/schema.ts';
import { openSqlite } from '../store/sqlite.ts';
import { createVersion, findVersion, type ProjectVersion } from '../store/versions.ts';
import type { TrainingOutcome } from './outcome.ts';
import { readOutcome, writeOutcome } from './outcome-file.ts';
import { Trainings } from './supervisor.ts';

let directory: string;
let database: Database;
let folders: VersionFolders;
let version: ProjectVersion;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-training-'));
  await mkdir(join(directory, 'buckets/results'), { recursive: true });
  database = await openSqlite(join(directory, 'ocellus.sqlite'));
  folders = new VersionFolders(join(directory, 'versions'));
  const project = await createProject(database, { account: '0', region: 'r', name: 'parts', limit: 1 });
  if (typeof project === 'string') throw new Error(project);
  // There is no such manifest: the real job ends soon, with a message of its own.
  const request = { training: { bucket: 'images', key: 'absent' }, output: { bucket: 'results' } };
  const created = await createVersion(database, {
    projectArn: project.arn,
    name: '1',
    request,
    versionLimit: 1,
    busyLimit: 1,
  });
  if (typeof created === 'string') throw new Error(created);
  version = created;
});

afterEach(async () => {
  await database.destroy();
  await rm(directory, { recursive: true });
});

/** Trainings whose processes are killed when they start, `kills` times. */
function supervise(kills: number) {
  const processes: number[] = [];
  let ended = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const trainings = new Trainings({
    database,
    folders,
    datasetQueue: new DatasetQueue(),
    config: {
      seed: 0,
      budget: 'fast',
      dataDirectory: directory,
      objects: { folder: join(directory, 'buckets') },
    },
    logger: {
      info(fields, message) {
        if (message === 'training: ended') ended();
        if (message !== 'training: started') return;
        const { pid } = fields as { pid: number };
        processes.push(pid);
        if (processes.length <= kills) process.kill(pid, 'SIGKILL');
      },
      warn() {},
      error() {},
    },
  });
  return { trainings, processes, end };
}

const stored = () => findVersion(database, version.arn);

test('a training whose process crashes is tried once more', async () => {
  const { trainings, processes, end } = supervise(1);
  trainings.start(version);
  await end;
  expect(processes).toHaveLength(2);
  expect(await stored()).toMatchObject({
    status: 'TRAINING_FAILED',
    statusMessage: 'The manifest file extension or contents are invalid.',
    trainingEndedAt: expect.any(Number),
  });
  await trainings.close();
});

test('a training whose process crashes twice has failed', async () => {
  const { trainings, processes, end } = supervise(9);
  trainings.start(version);
  await end;
  expect(processes).toHaveLength(2);
  expect(await stored()).toMatchObject({
    status: 'TRAINING_FAILED',
    statusMessage: expect.stringMatching(
      /^Amazon Rekognition experienced a service issue. \(.*the machine may have too little memory.\)$/,
    ),
  });
  await trainings.close();
});

test('an outcome that an earlier run could not store is stored, without another training', async () => {
  const folder = await folders.make(version.id);
  const file = (key: string) => ({ bucket: 'results', key });
  const outcome: TrainingOutcome = {
    status: 'TRAINING_COMPLETED',
    f1Score: 0.75,
    billableSeconds: 12,
    evaluationSummary: file('evaluation'),
    trainingOutput: file('training'),
    testingOutput: file('testing'),
    validation: {
      manifestSummary: file('summary'),
      trainingValidation: file('training-validation'),
      testingValidation: file('testing-validation'),
    },
  };
  await writeOutcome(folder, outcome);
  await utimes(join(folder, 'outcome.json'), 1_800_000_000, 1_800_000_000);
  const { trainings, processes, end } = supervise(0);
  await trainings.resume();
  await end;
  expect(processes).toEqual([]);
  expect(await stored()).toMatchObject({
    status: 'TRAINING_COMPLETED',
    statusMessage: 'The model is ready to run.',
    trainingEndedAt: 1_800_000_000_000,
    outcome,
  });
  await trainings.close();
});

test('closing ends the process and leaves the training for the next start', async () => {
  const { trainings, processes } = supervise(0);
  trainings.start(version);
  await expect.poll(() => processes.length).toBe(1);
  await trainings.close();
  expect(() => process.kill(processes[0]!, 0)).toThrow('ESRCH');
  expect((await stored())?.status).toBe('TRAINING_IN_PROGRESS');
  expect(await readOutcome(folders.path(version.id))).toBeUndefined();
  const next = supervise(0);
  await next.trainings.resume();
  await next.end;
  expect((await stored())?.status).toBe('TRAINING_FAILED');
  await next.trainings.close();
});
