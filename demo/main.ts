import { appendFileSync, existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RekognitionClient } from '@aws-sdk/client-rekognition';
import { readConfig } from '../src/config.ts';
import { createLogger } from '../src/logger.ts';
import { startServer } from '../src/server.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { Account, duration } from './account.ts';
import { writeContactSheet } from './contact-sheet.ts';
import type { DataSet, Unseen } from './data-set.ts';
import { DemoError } from './error.ts';
import { folderDataSet } from './folder.ts';
import { awaitTraining, beginTraining, detect, start, stop } from './life.ts';
import { watchProgress } from './progress.ts';
import { renderedDataSet } from './rendered.ts';
import {
  type EvaluationSummary,
  f1OfGuessing,
  readSummary,
  readTestResults,
  type TestResult,
} from './results.ts';

const HELP = `Usage: npm run demo                        on pictures of bolts, nuts and washers that it renders
       npm run demo -- --images FOLDER     on your own photographs: FOLDER/LABEL/*.jpg (or .png)

Starts a server, trains a model on the pictures and asks it about new ones, all through the API, with the
AWS SDK for JavaScript. Takes one to three minutes. Everything it makes lies in demo-output; the next run
replaces it.`;

const OUTPUT = fileURLToPath(new URL('../demo-output', import.meta.url));
const DATA = join(OUTPUT, 'data');
const BUCKETS = join(DATA, 'buckets');
const LOG = join(OUTPUT, 'server.log');
const SHEET = join(OUTPUT, 'contact-sheet.png');
/** Of the way from guessing (0) to perfect (1), how far a model must come for the demo to succeed. */
const CLEAR_MARGIN = 0.2;

/** From here on the demo trains with the `fast` budget, since the full one would take many minutes. */
const MANY_IMAGES = 400;

const account = new Account();
let serverStarted = false;

async function demo(images: string | undefined): Promise<void> {
  const began = performance.now();
  await clearOutput(images);
  account.heading('The data');
  const data = images === undefined ? await render() : await copy(images);

  account.heading('The server and its client');
  const many = data.training.images > MANY_IMAGES;
  const budget = process.env.OCELLUS_BUDGET ?? (many ? 'fast' : 'balanced');
  account.line(
    'settings',
    `OCELLUS_BUDGET=${budget}${many && budget === 'fast' ? ' (many images: balanced learns more, but not in two minutes)' : ''}`,
  );
  const config = readConfig({ OCELLUS_PORT: '0', OCELLUS_DATA_DIR: DATA, OCELLUS_BUDGET: budget });
  const server = await account.step(
    'start',
    ({ url }) => url,
    () => startServer(config, { logger: createLogger((line) => appendFileSync(LOG, `${line}\n`)) }),
  );
  serverStarted = true;
  const client = new RekognitionClient({
    endpoint: server.url,
    region: config.region,
    credentials: server.credentials,
  });
  const interrupted = () => void server.close().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const { region, objects } = config;
    const progress = watchProgress({ endpoint: server.url, region, keys: server.credentials, objects });
    const model = await beginTraining(client, data, account);
    const version = await awaitTraining(client, model, progress, account);
    const summaryPlace = version.EvaluationResult!.Summary!.S3Object!;
    const summary = await readSummary(BUCKETS, summaryPlace);
    const results = await readTestResults(
      BUCKETS,
      version.TestingDataResult!.Output!.Assets![0]!.GroundTruthManifest!.S3Object!,
    );
    account.line(
      '',
      `F1 ${version.EvaluationResult!.F1Score!.toFixed(3)}, results in s3://${summaryPlace.Bucket}/results/`,
    );
    await start(client, model, account);
    const pictures = data.unseen ?? someOf(results);
    const right = await detect(client, model, pictures, account);
    await stop(client, model, account);

    account.heading(`The model on the test images (${summaryPlace.Name})`);
    printEvaluation(summary);
    await writeContactSheet(SHEET, {
      title: `${data.project}: F1 ${summary.AggregatedEvaluationResults.F1Score.toFixed(3)}`,
      buckets: BUCKETS,
      results,
    });
    checkQuality(summary);
    account.heading(
      `Done in ${duration(performance.now() - began)}. ${data.unseen ? 'Unseen' : 'Test'} pictures with the right label: ${right} of ${pictures.length}.`,
    );
    console.log(whatNext(images === undefined));
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    client.destroy();
    await server.close();
  }
}

/** Removes what the last run made, unless someone needs it. */
async function clearOutput(images: string | undefined): Promise<void> {
  if (images !== undefined && !relative(OUTPUT, images).startsWith('..')) {
    throw new DemoError(
      `${images} lies in demo-output, which this run would replace. Copy it elsewhere first.`,
    );
  }
  const database = join(DATA, 'ocellus.sqlite');
  // Opening it is refused while another server has it open.
  if (existsSync(database)) {
    const opened = await openSqlite(database).catch((error: Error) => {
      throw new DemoError(`${error.message} Stop it first: this run would replace its data.`);
    });
    await opened.destroy();
  }
  await rm(OUTPUT, { recursive: true, force: true });
  await mkdir(BUCKETS, { recursive: true });
}

function render(): Promise<DataSet> {
  const begin = performance.now();
  const onProgress = (done: number, total: number) =>
    account.progress('render', `${done} of ${total} pictures`, performance.now() - begin);
  return account.step(
    'render',
    ({ labels }) => `pictures of ${labels.join('s, ')}s`,
    () => renderedDataSet(BUCKETS, onProgress),
  );
}

async function copy(folder: string): Promise<DataSet> {
  const skipped: string[] = [];
  const data = await account.step(
    'copy',
    ({ training, labels }: DataSet) => `${training.images} images, ${labels.length} labels`,
    () => folderDataSet(folder, BUCKETS, (file, reason) => skipped.push(`${file}: ${reason}`)),
  );
  for (const line of skipped.slice(0, 5)) account.line('left out', line);
  if (skipped.length > 5) account.line('left out', `and ${skipped.length - 5} more`);
  return data;
}

/** A dozen test images, evenly from all labels. */
function someOf(results: TestResult[]): Unseen[] {
  const sorted = results.toSorted((a, b) => (a.truth < b.truth ? -1 : a.truth > b.truth ? 1 : 0));
  const count = Math.min(12, sorted.length);
  return Array.from({ length: count }, (_, i) => {
    const { bucket, key, truth } = sorted[Math.floor((i * sorted.length) / count)]!;
    return { name: basename(key), label: truth, image: { S3Object: { Bucket: bucket, Name: key } } };
  });
}

function printEvaluation({
  AggregatedEvaluationResults: all,
  LabelEvaluationResults: labels,
}: EvaluationSummary): void {
  const row = (
    name: string,
    images: number,
    m: { Precision: number; Recall: number; F1Score: number },
    threshold: string,
  ) => [name, String(images), m.Precision.toFixed(3), m.Recall.toFixed(3), m.F1Score.toFixed(3), threshold];
  account.table([
    ['label', 'images', 'precision', 'recall', 'F1', 'threshold'],
    ...labels.map((l) => row(l.Label, l.NumberOfTestingImages, l.Metrics, l.Metrics.Threshold.toFixed(3))),
    row(
      'mean',
      labels.reduce((sum, l) => sum + l.NumberOfTestingImages, 0),
      all,
      '',
    ),
  ]);
  const confused = (all.ConfusionMatrix ?? [])
    .filter(({ GroundTruthLabel, PredictedLabel, Value }) => GroundTruthLabel !== PredictedLabel && Value > 0)
    .sort((a, b) => b.Value - a.Value)
    .slice(0, 3)
    .map((c) => `${c.GroundTruthLabel} for ${c.PredictedLabel} (${(c.Value * 100).toFixed(0)} %)`);
  if (confused.length > 0) console.log(`  Most often it takes ${confused.join(', ')}.`);
}

function checkQuality(summary: EvaluationSummary): void {
  const f1 = summary.AggregatedEvaluationResults.F1Score;
  const guessing = f1OfGuessing(summary);
  const wanted = guessing + CLEAR_MARGIN * (1 - guessing);
  if (f1 < wanted) {
    throw new DemoError(
      `The model learned too little: F1 ${f1.toFixed(3)}, where guessing reaches ${guessing.toFixed(3)} and the demo wants ${wanted.toFixed(3)}. More or clearer images would help.`,
    );
  }
}

function whatNext(rendered: boolean): string {
  const here = (path: string) => relative(process.cwd(), path);
  return `
  Look at it        ${here(SHEET)}
  Server's log      ${here(LOG)}
  Files             ${here(BUCKETS)} (the pictures, the manifests and the result files)
  Ask it yourself   OCELLUS_DATA_DIR=${here(DATA)} npm start${rendered ? '\n  Your own photos   npm run demo -- --images FOLDER   (one sub-folder per label)' : ''}`;
}

async function main(): Promise<void> {
  let images: string | undefined;
  try {
    const { values } = parseArgs({
      options: { images: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return console.log(HELP);
    // npm runs scripts in the repository; the path is meant from where the person is.
    images = values.images && resolve(process.env.INIT_CWD ?? '.', values.images);
  } catch (error) {
    throw new DemoError(`${(error as Error).message}\n\n${HELP}`);
  }
  await demo(images);
}

try {
  await main();
} catch (error) {
  console.error(
    `\n\nThe demo failed. ${error instanceof DemoError ? error.message : (error as Error).stack}`,
  );
  if (serverStarted) console.error(`What the server did: ${relative(process.cwd(), LOG)}`);
  process.exitCode = 1;
}
