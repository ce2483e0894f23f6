import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { VersionFolders } from './folders.ts';
import { createPageTokens } from './pages.ts';
import { createProject, deleteProject, findProject, listProjects, type Project } from './projects.ts';
import type { Database } from './schema.ts';
import { openSqlite } from './sqlite.ts';
import { findTags } from './tags.ts';
import {
  createVersion,
  deleteVersion,
  findVersion,
  finishTraining,
  listVersions,
  listVersionsInStatus,
  moveVersion,
  moveVersionToStarting,
  type ProjectVersion,
} from './versions.ts';

let directory: string;
let file: string;
let database: Database;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-store-'));
  file = join(directory, 'ocellus.sqlite');
  database = await openSqlite(file);
});

afterEach(async () => {
  vi.useRealTimers();
  await database.destroy();
  await rm(directory, { recursive: true });
});

const owner = { account: '111122223333', region: 'eu-west-1' };
const request = { training: { bucket: 'images', key: 'train.manifest' }, output: { bucket: 'results' } };

function newProject(name: string, limit = 100) {
  return createProject(database, { ...owner, name, limit });
}

async function project(name = 'parts'): Promise<Project> {
  const created = await newProject(name);
  if (typeof created === 'string') throw new Error(created);
  return created;
}

function newVersion(projectArn: string, name: string, { versionLimit = 100, busyLimit = 100 } = {}) {
  return createVersion(database, { projectArn, name, request, versionLimit, busyLimit });
}

async function version(projectArn: string, name = '1'): Promise<ProjectVersion> {
  const created = await newVersion(projectArn, name);
  if (typeof created === 'string') throw new Error(created);
  return created;
}

test('a project is found again after the database was closed and opened', async () => {
  const { id, arn, createdAt } = await project();
  expect(arn).toBe(`arn:aws:rekognition:eu-west-1:111122223333:project/parts/${createdAt}`);
  await database.destroy();
  database = await openSqlite(file);
  expect(await findProject(database, arn)).toEqual({ id, arn, ...owner, name: 'parts', createdAt });
});

test('of twenty projects with one name, made at once, one is stored', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => newProject('parts')));
  expect(results.filter((result) => result === 'name-taken')).toHaveLength(19);
  expect(await listProjects(database, { ...owner, limit: 100 })).toHaveLength(1);
});

test('the same name is free in another Region and after deletion; the limit counts per Region', async () => {
  const first = await project();
  expect(await newProject('more', 1)).toBe('limit');
  expect(
    await createProject(database, { ...owner, region: 'us-east-1', name: 'parts', limit: 1 }),
  ).toBeTypeOf('object');
  expect(await deleteProject(database, first.arn)).toBe('deleted');
  expect(await deleteProject(database, first.arn)).toBe('not-found');
  expect((await project()).arn).not.toBe(first.arn);
});

test('creation times are never given out twice, even when the clock goes back', async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date'] });
  const first = await project('a');
  const second = await project('b');
  vi.setSystemTime(1_700_000_000_000);
  const third = await version(second.arn);
  expect([first.createdAt, second.createdAt, third.createdAt]).toEqual([
    1_800_000_000_000, 1_800_000_000_001, 1_800_000_000_002,
  ]);
});

test('versions: one name wins, limits hold, whoever comes at the same time', async () => {
  const { arn } = await project();
  const same = await Promise.all(Array.from({ length: 5 }, () => newVersion(arn, 'one')));
  expect(same.filter((result) => result === 'name-taken')).toHaveLength(4);
  const many = await Promise.all(['a', 'b', 'c', 'd'].map((name) => newVersion(arn, name, { busyLimit: 3 })));
  expect(many.filter((result) => result === 'busy-limit')).toHaveLength(2);
  expect(await newVersion(arn, 'more', { versionLimit: 3 })).toBe('version-limit');
  expect(await newVersion(`${arn}0`, 'x')).toBe('no-project');
  expect(await deleteProject(database, arn)).toBe('has-versions');
});

test('a status changes only from those named, and once', async () => {
  const { arn } = await project();
  const { id, arn: versionArn } = await version(arn);
  expect(await moveVersion(database, id, ['RUNNING'], 'STOPPING')).toBe(false);
  await finishTraining(
    database,
    id,
    { status: 'TRAINING_FAILED', message: 'The manifest file is empty.' },
    5,
  );
  await finishTraining(database, id, { status: 'TRAINING_FAILED', message: 'Later.' }, 6);
  expect(await findVersion(database, versionArn)).toMatchObject({
    status: 'TRAINING_FAILED',
    statusMessage: 'The manifest file is empty.',
    trainingEndedAt: 5,
    request,
  });
  const moves = await Promise.all(
    [1, 2, 3].map(() => moveVersion(database, id, ['TRAINING_FAILED'], 'DELETING')),
  );
  expect(moves.filter(Boolean)).toHaveLength(1);
});

test('no more models start than may run', async () => {
  const { arn } = await project();
  const versions = await Promise.all(['1', '2', '3'].map((name) => version(arn, name)));
  const start = ({ id }: ProjectVersion) =>
    moveVersionToStarting(database, id, ['TRAINING_IN_PROGRESS'], { minimum: 2, maximum: 3 }, 2);
  const results = await Promise.all([...versions, versions[0]!].map(start));
  expect(results).toEqual(['moved', 'moved', 'limit', 'wrong-status']);
  const [starting] = await listVersionsInStatus(database, ['STARTING']);
  expect(starting).toMatchObject({ name: '1', minInferenceUnits: 2, maxInferenceUnits: 3 });
});

test('listings run from new to old and go on where they ended', async () => {
  const { arn, id: projectId } = await project();
  for (const name of ['a', 'b', 'c']) await version(arn, name);
  const page = await listVersions(database, { projectId, limit: 2 });
  const rest = await listVersions(database, { projectId, limit: 2, before: page[1]!.createdAt });
  expect([...page, ...rest].map((each) => each.name)).toEqual(['c', 'b', 'a']);
  const named = await listVersions(database, { projectId, limit: 9, names: ['a', 'x', 'c'] });
  expect(named.map((each) => each.name)).toEqual(['c', 'a']);
});

test('tags come and go with their resource', async () => {
  const tags = { team: 'vision', empty: '' };
  const created = await createProject(database, { ...owner, name: 'tagged', limit: 9, tags });
  if (typeof created === 'string') throw new Error(created);
  expect(await findTags(database, created.arn)).toEqual(tags);
  const projectArn = created.arn;
  const limits = { versionLimit: 1, busyLimit: 1 };
  const version = await createVersion(database, { projectArn, name: '1', request, tags, ...limits });
  if (typeof version === 'string') throw new Error(version);
  expect(await findTags(database, version.arn)).toEqual(tags);
  await moveVersion(database, version.id, ['TRAINING_IN_PROGRESS'], 'DELETING');
  await deleteVersion(database, version.id);
  expect(await findTags(database, version.arn)).toEqual({});
  await deleteProject(database, projectArn);
  expect(await findTags(database, projectArn)).toEqual({});
});

test('page tokens hold for their query only, outlive a restart, and cannot be forged', async () => {
  const query = ['DescribeProjects', 'a'];
  const token = (await createPageTokens(database)).write(query, 1_800_000_000_000);
  await database.destroy();
  database = await openSqlite(file);
  const tokens = await createPageTokens(database);
  expect(tokens.read(query, token)).toBe(1_800_000_000_000);
  expect(tokens.read(['DescribeProjects', 'b'], token)).toBeUndefined();
  for (let i = 0; i < token.length; i++) {
    const other = token[i] === 'A' ? 'B' : 'A';
    expect(tokens.read(query, token.slice(0, i) + other + token.slice(i + 1))).toBeUndefined();
  }
  for (const damaged of [
    'x',
    '1',
    `${token}x`,
    token.slice(0, -3),
    'A'.repeat(45),
    `${token}==`,
    ` ${token}`,
    ' '.repeat(1024),
  ]) {
    expect(tokens.read(query, damaged)).toBeUndefined();
  }
});

test('the folder of a version goes before its row; folders without a row are removed', async () => {
  const { arn } = await project();
  const { id, arn: versionArn } = await version(arn);
  const folders = new VersionFolders(join(directory, 'versions'));
  await writeFile(join(await folders.make(id), 'model.onnx'), 'model');
  await mkdir(folders.path('stray'));
  await folders.removeStrays(database);
  expect(await readdir(join(directory, 'versions'))).toEqual([id]);
  await deleteVersion(database, id);
  expect(await findVersion(database, versionArn)).toBeDefined();
  await moveVersion(database, id, ['TRAINING_IN_PROGRESS'], 'DELETING');
  await folders.finishDeletion(database, id);
  expect(await findVersion(database, versionArn)).toBeUndefined();
  expect(await readdir(join(directory, 'versions'))).toEqual([]);
});

test('a second server cannot open the database; it can once the first is killed', async () => {
  const own = join(directory, 'own.sqlite');
  const module = new URL('./sqlite.ts', import.meta.url).href;
  const program = `const { openSqlite } = await import(${JSON.stringify(module)});
    await openSqlite(${JSON.stringify(own)}); console.log('open'); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(other.stdout, 'data');
    await expect(openSqlite(own)).rejects.toThrow('Another Ocellus server');
  } finally {
    other.kill('SIGKILL');
    await once(other, 'exit');
  }
  await (await openSqlite(own)).destroy();
});
