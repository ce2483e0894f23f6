import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VersionFolders } from '../store/folders.ts';
import { createProject } from '../store/projects.ts';
import type { Database, VersionStatus } from '../store/schema.ts';
import { openSqlite } from '../store/sqlite.ts';
import { createVersion, findVersion, moveVersion, type ProjectVersion } from '../store/versions.ts';
import { ImageError } from '../vision/image.ts';
import { colourDetector, colourModel } from './fixtures.ts';
import { Models } from './models.ts';

let directory: string;
let database: Database;
let folders: VersionFolders;
let version: ProjectVersion;
let models: Models;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-serving-'));
  database = await openSqlite(join(directory, 'ocellus.sqlite'));
  folders = new VersionFolders(join(directory, 'versions'));
  const project = await createProject(database, { account: '0', region: 'r', name: 'colours', limit: 1 });
  if (typeof project === 'string') throw new Error(project);
  const created = await createVersion(database, {
    projectArn: project.arn,
    name: '1',
    request: { training: { bucket: 'images', key: 'm' }, output: { bucket: 'results' } },
    versionLimit: 1,
    busyLimit: 1,
  });
  if (typeof created === 'string') throw new Error(created);
  version = created;
  models = new Models({ database, folders, logger: { info() {}, warn() {}, error() {} } });
});

afterEach(async () => {
  await models.close();
  await database.destroy();
  await rm(directory, { recursive: true });
});

const plain = (background: string) =>
  sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();

async function putModel(file: Uint8Array): Promise<void> {
  await writeFile(join(await folders.make(version.id), 'model.onnx'), file);
}

const move = (from: VersionStatus, to: VersionStatus) => moveVersion(database, version.id, [from], to);
const stored = () => findVersion(database, version.arn);
const status = async () => (await stored())?.status;

async function run(model = colourModel()): Promise<void> {
  await putModel(model);
  await move('TRAINING_IN_PROGRESS', 'STARTING');
  models.start(version);
  await expect.poll(status).toBe('RUNNING');
}

test('a started model scores every label, with its threshold', async () => {
  await run();
  const predictions = await models.predict(version.id, await plain('#0000ff'));
  expect(predictions).toEqual([
    { label: 'red', score: expect.closeTo(0, 5), threshold: 0.5 },
    { label: 'green', score: expect.closeTo(0, 5), threshold: 0.4 },
    { label: 'blue', score: expect.closeTo(1, 5), threshold: 0.3 },
  ]);
  await expect(models.predict(version.id, Buffer.from('no image'))).rejects.toThrow(ImageError);
  await expect(models.predict('another', await plain('#000'))).rejects.toMatchObject({
    reason: 'not-running',
  });
});

test('a started detector says where each object is, with the threshold of its label', async () => {
  await run(colourDetector());
  const shape = (width: number, height: number, background: string) => ({
    create: { width, height, channels: 3 as const, background },
  });
  const image = await sharp(shape(256, 128, '#202020'))
    .composite([{ input: shape(128, 64, '#0000c0'), left: 64, top: 32 }])
    .png()
    .toBuffer();
  const [found, ...others] = await models.predict(version.id, image);
  expect(others).toEqual([]);
  expect(found).toEqual({
    label: 'blue',
    score: expect.closeTo(192 / 255, 5),
    threshold: expect.closeTo(0.3, 12),
    box: { left: 0.25, top: 0.25, width: 0.5, height: 0.5 },
  });
  // A picture of one dark colour has nothing in it.
  expect(await models.predict(version.id, await plain('#202020'))).toEqual([]);
});

test('what ran before a restart is loaded again; predictions wait for it', async () => {
  await putModel(colourModel());
  await move('TRAINING_IN_PROGRESS', 'RUNNING');
  await models.resume();
  expect(await models.predict(version.id, await plain('#ff0000'))).toHaveLength(3);
  expect(await status()).toBe('RUNNING');
});

test('what was stopping before a restart has stopped', async () => {
  await move('TRAINING_IN_PROGRESS', 'STOPPING');
  await models.resume();
  await expect.poll(status).toBe('STOPPED');
});

test.each([
  ['absent', undefined],
  ['no model', Buffer.from('no model')],
])('a model file that is %s ends in FAILED, and the reason stays in the log', async (_name, file) => {
  if (file) await putModel(file);
  await move('TRAINING_IN_PROGRESS', 'STARTING');
  models.start(version);
  await expect.poll(status).toBe('FAILED');
  expect((await stored())?.statusMessage).not.toContain(directory);
  await expect(models.predict(version.id, await plain('#000'))).rejects.toMatchObject({
    reason: 'not-running',
  });
});

test('one inference unit takes fifty images at a time', async () => {
  await run();
  const image = await plain('#00ff00');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 52 }, () => models.predict(version.id, image)),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.map(({ reason }) => reason.reason)).toEqual(['overloaded', 'overloaded']);
  expect(await models.predict(version.id, image)).toHaveLength(3);
});

test('a model that is stopped finishes the predictions it has begun', async () => {
  await run();
  const image = await plain('#00ff00');
  const begun = Array.from({ length: 10 }, () => models.predict(version.id, image));
  await move('RUNNING', 'STOPPING');
  models.stop(version);
  await expect(models.predict(version.id, image)).rejects.toMatchObject({ reason: 'not-running' });
  for (const predictions of await Promise.all(begun)) expect(predictions).toHaveLength(3);
  await expect.poll(status).toBe('STOPPED');
});
