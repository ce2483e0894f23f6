import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { boxAttribute, imageLine } from '../manifest/fixtures.ts';
import type { ObjectStore } from '../objects/objects.ts';
import {
  beginDeletion,
  beginDistribution,
  beginUpdate,
  createDataset,
  type DatasetJob,
  findDatasetById,
} from '../store/datasets.ts';
import { listEntries, listLabels } from '../store/entry-listing.ts';
import { createProject } from '../store/projects.ts';
import type { Database, DatasetType } from '../store/schema.ts';
import { openSqlite } from '../store/sqlite.ts';
import { DatasetJobs } from './jobs.ts';
import { DatasetQueue } from './queue.ts';

let directory: string;
let database: Database;
let jobs: DatasetJobs;
/** The manifest that every import reads. */
let manifest = '';

const objects = {
  head: async () => ({ size: Buffer.byteLength(manifest) }),
  async stream() {
    return [Buffer.from(manifest)];
  },
} as unknown as ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-datasets-'));
  database = await openSqlite(join(directory, 'ocellus.sqlite'));
  jobs = open();
});

afterEach(async () => {
  await jobs.close();
  await database.destroy();
  await rm(directory, { recursive: true });
});

function open(): DatasetJobs {
  const logger = { info() {}, warn() {}, error() {} };
  return new DatasetJobs({ database, objects, queue: new DatasetQueue(), seed: 1, logger });
}

let projects = 0;

async function project(): Promise<string> {
  const name = `parts-${projects++}`;
  const created = await createProject(database, { account: '0', region: 'r', name, limit: 1000 });
  if (typeof created === 'string') throw new Error(created);
  return created.arn;
}

type Source = DatasetJob & { kind: 'import' | 'copy' };
const IMPORT: Source = { kind: 'import', manifest: { bucket: 'manifests', key: 'all' } };

async function create(projectArn: string, type: DatasetType, job?: Source): Promise<number> {
  const created = await createDataset(database, { projectArn, type, job });
  if (typeof created === 'string') throw new Error(created);
  return created.id;
}

/** Does what the data set's status says and waits for the end. */
async function work(id: number): Promise<string | undefined> {
  jobs.start((await findDatasetById(database, id))!);
  return await ended(id);
}

async function ended(id: number): Promise<string | undefined> {
  await expect
    .poll(async () => (await findDatasetById(database, id))?.status ?? 'gone', { timeout: 30_000 })
    .not.toMatch('_IN_PROGRESS');
  return (await findDatasetById(database, id))?.status;
}

/** An image and what it shows: labels of the image, of a box, nothing, or something that can't be used. */
interface Picture {
  key: string;
  labels: string[];
  box?: 'crane' | 'container';
  broken: boolean;
}

const picture: fc.Arbitrary<Picture> = fc.record({
  key: fc.integer({ min: 0, max: 40 }).map((number) => `${number}.png`),
  labels: fc.uniqueArray(fc.constantFrom('cat', 'crane', 'dog'), { maxLength: 2 }),
  box: fc.option(fc.constantFrom('crane', 'container'), { nil: undefined, freq: 2 }),
  broken: fc.boolean(),
});

function lineOf({ key, labels, box, broken }: Picture): string {
  const images = labels.map((label, index) => imageLine(key, label, `label-${index}`));
  const boxes = box && boxAttribute([[1, 1, 20, 20, box === 'crane' ? 0 : 1]]);
  const bad = broken && imageLine(key, 'x', 'bad', { type: 'groundtruth/wrong' });
  return JSON.stringify(Object.assign({ 'source-ref': `s3://pictures/${key}` }, ...images, boxes, bad));
}

const lines = (pictures: Picture[]) => pictures.map((each) => `${lineOf(each)}\n`).join('');

/** What the data set should show of these images. */
function expected(pictures: Picture[]) {
  const counts = new Map<string, [entries: number, boxed: number]>();
  for (const { labels, box } of pictures) {
    for (const label of new Set([...labels, ...(box ? [box] : [])])) {
      const [entries, boxed] = counts.get(label) ?? [0, 0];
      counts.set(label, [entries + 1, boxed + (label === box ? 1 : 0)]);
    }
  }
  return {
    lines: pictures.map(lineOf),
    total: pictures.length,
    labeled: pictures.filter(({ labels, box, broken }) => labels.length > 0 || box || broken).length,
    errors: pictures.filter(({ broken }) => broken).length,
    labels: [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([label, [entries, boxed]]) => [label, entries, boxed]),
  };
}

async function found(id: number) {
  const dataset = (await findDatasetById(database, id))!;
  const entries = await listEntries(database, id, {}, { after: 0, limit: 5000 });
  return {
    lines: entries.map(({ line }) => line),
    total: dataset.totalEntries,
    labeled: dataset.labeledEntries,
    errors: dataset.errorEntries,
    labels: (await listLabels(database, id)).map(({ label, entries, boxedEntries }) => [
      label,
      entries,
      boxedEntries,
    ]),
  };
}

/** Lines enough that no number of broken ones is too many, and that half of the labels can be tested. */
const filler: Picture[] = Array.from({ length: 200 }, (_, i) => ({
  key: `filler-${i}`,
  labels: [i % 2 ? 'cat' : 'dog'],
  broken: false,
}));

function merge(old: Picture[], changes: Picture[]): Picture[] {
  const all = new Map(old.map((each) => [each.key, each]));
  const once = changes.filter(({ key }, index) => changes.findIndex((other) => other.key === key) === index);
  for (const change of once) all.set(change.key, change);
  return [...all.values()];
}

test('imports, copies, updates and distributions keep entries, labels and counts together', async () => {
  const property = fc.asyncProperty(
    fc.uniqueArray(picture, { maxLength: 30, selector: ({ key }) => key }),
    fc.array(fc.uniqueArray(picture, { minLength: 1, maxLength: 30, selector: ({ key }) => key }), {
      maxLength: 3,
    }),
    async (first, updates) => {
      const arn = await project();
      manifest = lines([...filler, ...first]);
      let model = [...filler, ...first];
      const train = await create(arn, 'TRAIN', IMPORT);
      expect(await work(train)).toBe('CREATE_COMPLETE');
      for (const changes of updates) {
        expect(await beginUpdate(database, train, lines(changes))).toBe(true);
        expect(await work(train)).toBe('UPDATE_COMPLETE');
        model = merge(model, changes);
      }
      expect(await found(train)).toEqual(expected(model));
      const copy = await create(await project(), 'TEST', { kind: 'copy', source: train });
      expect(await work(copy)).toBe('CREATE_COMPLETE');
      expect(await found(copy)).toEqual(expected(model));

      const test = await create(arn, 'TEST');
      expect(await beginDistribution(database, train, test)).toBe('begun');
      expect(await work(train)).toBe('UPDATE_COMPLETE');
      const moved = new Set((await found(test)).lines);
      expect(await found(test)).toEqual(expected(model.filter((each) => moved.has(lineOf(each)))));
      expect(await found(train)).toEqual(expected(model.filter((each) => !moved.has(lineOf(each)))));
    },
  );
  await fc.assert(property, { numRuns: 15 });
});

const numbered = (from: number, to: number, label: string): Picture[] =>
  Array.from({ length: to - from }, (_, i) => ({ key: `${from + i}`, labels: [label], broken: false }));

/** Lets the disk refuse rows, as one that is full does. */
const refuse = (what: string) =>
  database.executeQuery({
    sql: `create trigger refusal before ${what} begin select raise(abort, 'the disk is full'); end`,
    parameters: [],
  } as never);
const allow = () => database.executeQuery({ sql: 'drop trigger refusal', parameters: [] } as never);

test.each(['an update', 'a distribution'])(
  '%s that is cut off half-way is completed by the next start',
  async (kind) => {
    const arn = await project();
    manifest = lines(numbered(0, 2000, 'cat'));
    const train = await create(arn, 'TRAIN', IMPORT);
    await work(train);
    const test = await create(arn, 'TEST');
    if (kind === 'an update') await beginUpdate(database, train, lines(numbered(300, 1300, 'dog')));
    else await beginDistribution(database, train, test);
    // Some batches go through before this one.
    await refuse(
      kind === 'an update'
        ? "insert on dataset_lines when new.line like '%pictures/1277\"%'"
        : `update on dataset_lines when (select count(*) from dataset_lines where dataset_id = ${test}) > 260`,
    );
    jobs.start((await findDatasetById(database, train))!);
    const done = async () =>
      kind === 'an update'
        ? (await found(train)).labels.find(([label]) => label === 'dog')?.[1]
        : (await found(test)).total;
    await expect.poll(done, { timeout: 30_000 }).toBeGreaterThanOrEqual(250);
    await jobs.close();
    expect((await findDatasetById(database, train))?.status).toBe('UPDATE_IN_PROGRESS');
    await allow();
    jobs = open();
    await jobs.resume();
    expect(await ended(train)).toBe('UPDATE_COMPLETE');
    if (kind === 'an update') {
      expect(await found(train)).toEqual(
        expected([...numbered(0, 300, 'cat'), ...numbered(300, 1300, 'dog'), ...numbered(1300, 2000, 'cat')]),
      );
    } else {
      expect([(await found(train)).total, (await found(test)).total]).toEqual([1600, 400]);
      expect((await findDatasetById(database, test))?.status).toBe('UPDATE_COMPLETE');
    }
  },
);

test('an import that fails inside leaves nothing, and can be deleted', async () => {
  manifest = lines(numbered(0, 600, 'cat'));
  const train = await create(await project(), 'TRAIN', IMPORT);
  await refuse("insert on dataset_lines when new.line like '%pictures/555\"%'");
  expect(await work(train)).toBe('CREATE_FAILED');
  expect(await findDatasetById(database, train)).toMatchObject({
    statusMessage: 'Amazon Rekognition experienced a service issue.',
    statusCode: 'SERVICE_ERROR',
    totalEntries: 0,
  });
  expect((await found(train)).lines).toEqual([]);
  expect(await beginDeletion(database, train)).toBe(true);
  expect(await work(train)).toBeUndefined();
  for (const table of ['datasetEntries', 'datasetLines', 'datasetLabels', 'datasetLabelCounts'] as const) {
    expect(await database.selectFrom(table).selectAll().execute()).toEqual([]);
  }
});

test('a half-done import is begun again by the next start', async () => {
  manifest = lines(numbered(0, 600, 'cat'));
  const train = await create(await project(), 'TRAIN', IMPORT);
  jobs.start((await findDatasetById(database, train))!);
  await expect.poll(async () => (await found(train)).total, { timeout: 30_000 }).toBeGreaterThan(0);
  await jobs.close();
  jobs = open();
  await jobs.resume();
  expect(await ended(train)).toBe('CREATE_COMPLETE');
  expect(await found(train)).toEqual(expected(numbered(0, 600, 'cat')));
});

test('who queues up for several data sets waits for all of them, and others for him', async () => {
  const queue = new DatasetQueue();
  const order: string[] = [];
  const run = async (name: string, ids: number[]) => {
    const turn = queue.enter(ids);
    await turn.begun;
    order.push(name);
    await new Promise((resolve) => setImmediate(resolve));
    turn.done();
  };
  await Promise.all([
    run('a', [1]),
    run('b', [2]),
    run('both', [1, 2]),
    run('c', [1]),
    run('d', [2]),
    run('other', [3]),
  ]);
  expect(order.slice(0, 3)).toEqual(['a', 'b', 'other']);
  expect(order.slice(3)).toEqual(['both', 'c', 'd']);
});
