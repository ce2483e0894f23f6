// A data set of 250,000 entries through the store: how long its import takes beside the mere check of its lines, how long the
// server's event loop is held meanwhile, and how long every kind of page takes. Prints the tables of datasets.md.
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatasetJobs } from '../src/datasets/jobs.ts';
import { DatasetQueue } from '../src/datasets/queue.ts';
import { listedLine } from '../src/manifest/annotate.ts';
import { parseLine } from '../src/manifest/line.ts';
import { readLines } from '../src/manifest/reader.ts';
import type { ObjectStore } from '../src/objects/objects.ts';
import {
  beginDeletion,
  beginDistribution,
  beginUpdate,
  createDataset,
  type Dataset,
  findDatasetById,
} from '../src/store/datasets.ts';
import { type EntryFilter, listEntries, listLabels } from '../src/store/entry-listing.ts';
import { createProject } from '../src/store/projects.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { manifestBytes, manifestLine } from './lines.ts';

const LINES = 250_000;
const PAGES = 25;

const directory = await mkdtemp(join(tmpdir(), 'ocellus-bench-'));
const file = join(directory, 'all.manifest');
await writeFile(file, manifestBytes(LINES));
const database = await openSqlite(join(directory, 'bench.sqlite'));
/** One object, whatever its name. */
const objects = {
  head: async () => ({ size: (await stat(file)).size }),
  stream: async () => createReadStream(file),
} as unknown as ObjectStore;
const logger = { info() {}, warn: console.warn, error: console.error };
const jobs = new DatasetJobs({ database, objects, queue: new DatasetQueue(), seed: 0, logger });

const rows: string[] = [];

/** Milliseconds of processor time so far: other work on the machine doesn't count. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs a job to its end and notes how long it took and how long it held the event loop at most. */
async function job(what: string, begin: () => Promise<number>): Promise<Dataset | undefined> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const startedProcessor = processorTime();
  const id = await begin();
  let dataset = await findDatasetById(database, id);
  jobs.start(dataset!);
  const waits: number[] = [];
  while (dataset?.status.endsWith('_IN_PROGRESS')) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const asked = performance.now();
    dataset = await findDatasetById(database, id);
    waits.push(performance.now() - asked);
  }
  const seconds = (performance.now() - started) / 1000;
  const processor = (processorTime() - startedProcessor) / 1000;
  delay.disable();
  if (dataset && !dataset.status.endsWith('_COMPLETE')) throw new Error(`${what}: ${dataset.statusMessage}`);
  const ms = (value: number) => value.toFixed(0);
  waits.sort((a, b) => a - b);
  rows.push(
    `| ${what} | ${seconds.toFixed(1)} | ${processor.toFixed(1)} | ${ms(delay.percentile(99) / 1e6)} | ${ms(delay.max / 1e6)} | ${ms(waits.at(-1) ?? 0)} |`,
  );
  return dataset;
}

async function page(what: string, datasetId: number, filter: EntryFilter): Promise<void> {
  const times: number[] = [];
  const processor: number[] = [];
  let entries = 0;
  for (let round = 0; round < PAGES; round++) {
    const after = Math.floor((round * LINES) / PAGES);
    const begin = performance.now();
    const beginProcessor = processorTime();
    const found = await listEntries(database, datasetId, filter, { after, limit: 101 });
    for (const { line, labeled, hasFindings } of found)
      listedLine(line, labeled, hasFindings ? parseLine(line).problems : []);
    times.push(performance.now() - begin);
    processor.push(processorTime() - beginProcessor);
    entries += found.length;
  }
  for (const values of [times, processor]) values.sort((a, b) => a - b);
  rows.push(
    `| ${what} | ${Math.round(entries / PAGES)} | ${processor[PAGES >> 1]!.toFixed(1)} | ${processor.at(-1)!.toFixed(1)} | ${times[PAGES >> 1]!.toFixed(1)} | ${times.at(-1)!.toFixed(1)} |`,
  );
}

function print(...head: string[]): void {
  console.log(`\n| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}\n${rows.splice(0).join('\n')}`);
}

try {
  let lines = 0;
  const begin = performance.now();
  for await (const { text } of readLines(createReadStream(file))) if (parseLine(text).image) lines++;
  const check = (performance.now() - begin) / 1000;
  if (lines !== LINES) throw new Error('Lines are missing.');
  const project = await createProject(database, { account: '0', region: 'r', name: 'bench', limit: 1 });
  if (typeof project === 'string') throw new Error(project);
  const create = async (type: 'TRAIN' | 'TEST', source?: number) => {
    const work = source
      ? { kind: 'copy' as const, source }
      : { kind: 'import' as const, manifest: { bucket: 'bench', key: 'all' } };
    const made = await createDataset(database, { projectArn: project.arn, type, job: work });
    if (typeof made === 'string') throw new Error(made);
    return made.id;
  };
  console.log(
    `${LINES.toLocaleString('en')} entries, ${availableParallelism()} cores, Node ${process.version}`,
  );
  const memory = process.memoryUsage().rss;
  let highest = memory;
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 20);
  const imported = await job('import', () => create('TRAIN'));
  const imports = rows.splice(0);
  clearInterval(watch);
  const { id } = imported!;
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  console.log(
    `Memory: ${megabytes(memory)} MB before the import, ${megabytes(highest)} MB at most meanwhile.`,
  );

  await page('no filter', id, {});
  await page('a label that many have', id, { labels: ['part 1'] });
  await page('ten labels', id, { labels: Array.from({ length: 10 }, (_, i) => `part ${i}`) });
  await page('a label that none has', id, { labels: ['none'] });
  await page('unlabelled (few)', id, { labeled: false });
  await page('with errors (few)', id, { hasErrors: true });
  await page('labelled, without errors', id, { labeled: true, hasErrors: false });
  await page('a text that many have', id, { sourceRefContains: 'camera-3/' });
  await page('a text that none has', id, { sourceRefContains: 'camera-99/' });
  await page('a text that none has, and a label', id, {
    sourceRefContains: 'camera-99/',
    labels: ['part 1'],
  });
  const labelsBegin = performance.now();
  const labels = await listLabels(database, id);
  rows.push(
    `| ListDatasetLabels | ${labels.length} | ${(performance.now() - labelsBegin).toFixed(1)} | | | |`,
  );
  print(
    'page (101 entries wanted)',
    'entries',
    'processor ms, median',
    'slowest',
    'clock ms, median',
    'slowest',
  );

  const changes = Array.from({ length: 15_000 }, (_, i) => manifestLine(i * 16 + 1)).join('\n');
  await job('update of 15,000 entries (5 MB)', async () => {
    await beginUpdate(database, id, changes);
    return id;
  });
  const copied = await job('copy', () => create('TEST', id));
  const remove = async () => {
    await beginDeletion(database, copied!.id);
    return copied!.id;
  };
  await job('deletion', remove);
  const empty = await createDataset(database, { projectArn: project.arn, type: 'TEST' });
  if (typeof empty === 'string') throw new Error(empty);
  await job('distribution', async () => {
    await beginDistribution(database, id, empty.id);
    return id;
  });
  rows.unshift(...imports);
  console.log(`\nThe mere check of the lines takes ${check.toFixed(1)} s.`);
  print('job', 'seconds', 'processor seconds', 'loop held, p99 ms', 'at most, ms', 'slowest query, ms');
} finally {
  await jobs.close();
  await database.destroy();
  await rm(directory, { recursive: true });
}
