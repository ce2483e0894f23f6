import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ContentErrorCode } from '../manifest/codes.ts';
import { boxAttribute, GOOD_BOX, imageAttribute, imageLine } from '../manifest/fixtures.ts';
import type { JsonObject } from '../manifest/parsed.ts';
import { FolderObjects } from '../objects/folder.ts';
import { ObjectError, type ObjectRef, type ObjectStore } from '../objects/objects.ts';
import type { TrainingProgress } from '../vision/classifier.ts';
import { loadClassifier } from '../vision/model.ts';
import { runTrainingJob } from './job.ts';
import type { TrainingJob, TrainingOutcome } from './outcome.ts';

/** Trainings take seconds, or much longer on a busy machine. */
const TRAINING = { timeout: 600_000 };

const COLOURS: Record<string, string> = { red: '#b03030', green: '#30a040', blue: '#3040b0' };

/** A picture of 80 × 80 pixels in one colour under noise. */
async function picture(colour: string, noise: number, size = { width: 80, height: 80 }): Promise<Buffer> {
  return await sharp({
    create: {
      ...size,
      channels: 3,
      background: colour,
      noise: { type: 'gaussian', mean: 128, sigma: noise },
    },
  })
    .composite([{ input: { create: { ...size, channels: 4, background: `${colour}c0` } } }])
    .png()
    .toBuffer();
}

let buckets: string;
let directory: string;
let objects: FolderObjects;

/** Pictures `pictures/red-0.png` … for every colour, made once. */
beforeAll(async () => {
  buckets = await mkdtemp(join(tmpdir(), 'ocellus-buckets-'));
  objects = new FolderObjects(buckets);
  for (const name of ['pictures', 'more-pictures', 'manifests']) await mkdir(join(buckets, name));
  for (const [name, colour] of Object.entries(COLOURS)) {
    for (let i = 0; i < 12; i++) await put('pictures', `${name}-${i}.png`, await picture(colour, 10 + i));
  }
  await put('more-pictures', 'red-0.png', await picture('#b03030', 10));
  await put('pictures', 'narrow.png', await picture('#b03030', 10, { width: 60, height: 90 }));
  await put('pictures', 'long.png', await picture('#b03030', 10, { width: 1300, height: 65 }));
  await put('pictures', 'text.png', 'not an image');
  await put(
    'pictures',
    'cut.png',
    (await readFile(join(buckets, 'pictures', 'red-0.png'))).subarray(0, 2000),
  );
  await put('pictures', 'huge.png', new Uint8Array(15 * 1024 ** 2 + 1));
});
afterAll(() => rm(buckets, { recursive: true, force: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-job-'));
  await mkdir(join(buckets, 'results'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(join(buckets, 'results'), { recursive: true, force: true });
});

async function put(bucket: string, key: string, body: string | Uint8Array): Promise<void> {
  await writeFile(join(buckets, bucket, key), body);
}

type Line = JsonObject | string;

/** Image-level lines of pictures `from` … `to - 1` of each colour. */
function lines(colours: string[], from: number, to: number): JsonObject[] {
  return colours.flatMap((colour) =>
    Array.from({ length: to - from }, (_, i) => imageLine(`${colour}-${from + i}.png`, colour)),
  );
}

async function manifest(key: string, content: Line[]): Promise<ObjectRef> {
  await put(
    'manifests',
    key,
    content.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return { bucket: 'manifests', key };
}

async function jobOf(
  training: Line[],
  testing?: Line[],
  change: Partial<TrainingJob> = {},
): Promise<TrainingJob> {
  return {
    projectVersionArn: 'arn:aws:rekognition:us-east-1:000000000000:project/parts/version/first/1690556751958',
    projectName: 'parts',
    versionName: 'first',
    training: await manifest('train', training),
    ...(testing && { testing: await manifest('test', testing) }),
    output: { bucket: 'results', prefix: 'out/' },
    seed: 1,
    budget: 'fast',
    directory,
    ...change,
  };
}

async function result(name: string): Promise<ReturnType<typeof JSON.parse>> {
  return JSON.parse(await readFile(join(buckets, 'results', 'out', `${name}-parts-first.json`), 'utf8'));
}

async function resultLines(name: string): Promise<ReturnType<typeof JSON.parse>[]> {
  const text = await readFile(join(buckets, 'results', 'out', `${name}-parts-first.json`), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const place = (name: string) => ({ bucket: 'results', key: `out/${name}-parts-first.json` });
const validation = {
  manifestSummary: place('ManifestSummary'),
  trainingValidation: place('TrainingManifestWithValidation'),
  testingValidation: place('TestingManifestWithValidation'),
};

/** Nothing half-written stays in the version's folder. */
async function expectFailure(outcome: TrainingOutcome, message: string | RegExp, withValidation: boolean) {
  expect(outcome).toEqual({
    status: 'TRAINING_FAILED',
    message: expect.stringMatching(message),
    ...(withValidation && { validation }),
  });
  expect(await readdir(directory)).toEqual([]);
}

/** The folder store with some methods replaced. */
function storeWith(change: Partial<ObjectStore>): ObjectStore {
  return {
    hasBucket: (bucket) => objects.hasBucket(bucket),
    head: (ref) => objects.head(ref),
    read: (ref, maximum) => objects.read(ref, maximum),
    stream: (ref) => objects.stream(ref),
    write: (ref, body) => objects.write(ref, body),
    list: (bucket, prefix) => objects.list(bucket, prefix),
    parallelReads: objects.parallelReads,
    close() {},
    ...change,
  };
}

describe('a training with a test set', () => {
  it('completes and leaves a model and six result files that agree with each other', TRAINING, async () => {
    const training = [
      ...lines(['red', 'green', 'blue'], 0, 8),
      imageLine('cut.png', 'red'),
      { 'source-ref': 's3://pictures/unlabelled.png' },
    ];
    const testing = lines(['red', 'green', 'blue'], 8, 12);
    const job = await jobOf(training, testing);
    const progress: TrainingProgress[] = [];
    const outcome = await runTrainingJob(job, objects, (report) => progress.push(report));
    expect(outcome).toEqual({
      status: 'TRAINING_COMPLETED',
      f1Score: expect.any(Number),
      billableSeconds: expect.any(Number),
      evaluationSummary: place('EvaluationResultSummary'),
      trainingOutput: place('TrainingGroundTruth'),
      testingOutput: place('TestingGroundTruth'),
      validation,
    });
    if (outcome.status !== 'TRAINING_COMPLETED') throw new Error('unreachable');
    expect(Number.isInteger(outcome.billableSeconds)).toBe(true);
    // Plain colours: anything that learns tells them apart.
    expect(outcome.f1Score).toBeGreaterThan(0.9);

    const fractions = progress.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect([fractions[0], fractions.at(-1)]).toEqual([0, 1]);
    const stages = new Set(progress.map(({ stage }) => stage));
    for (const stage of ['reading manifests', 'checking images', 'evaluating', 'writing results'])
      expect(stages).toContain(stage);

    const summary = await result('EvaluationResultSummary');
    expect(summary.EvaluationDetails).toMatchObject({
      ProjectVersionArn: job.projectVersionArn,
      Labels: ['blue', 'green', 'red'],
      NumberOfTrainingImages: 24,
      NumberOfTestingImages: 12,
    });
    expect(summary.AggregatedEvaluationResults.F1Score).toBe(outcome.f1Score);
    await expectSummaryFollowsFromSnapshot(summary);

    expect((await resultLines('TrainingGroundTruth')).map((line) => line['source-ref'])).toEqual(
      lines(['red', 'green', 'blue'], 0, 8).map((line) => line['source-ref']),
    );
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training).toEqual({
      use_case: 'IMAGE_LEVEL_LABELS',
      total_json_lines: 26,
      valid_json_lines: 24,
      invalid_json_lines: 1,
      ignored_json_lines: 1,
      error_json_line_indices: [25],
      errors: [],
    });
    const validated = await resultLines('TrainingManifestWithValidation');
    expect(validated[24].errors).toEqual([
      {
        code: 'ERROR_INVALID_IMAGE',
        message: 'The image is invalid. Check S3 path and/or image properties.',
      },
    ]);
    expect(await resultLines('TestingManifestWithValidation')).toEqual(testing);

    expect(await readdir(directory)).toEqual(['model.onnx']);
    const model = await loadClassifier(await readFile(join(directory, 'model.onnx')));
    try {
      const thresholds = Object.fromEntries(
        summary.LabelEvaluationResults.map((label: { Label: string; Metrics: { Threshold: number } }) => [
          label.Label,
          label.Metrics.Threshold,
        ]),
      );
      expect(model.info).toMatchObject({ exclusive: true, labels: ['blue', 'green', 'red'] });
      expect(model.info.thresholds).toEqual(model.info.labels.map((label) => thresholds[label]));
    } finally {
      await model.close();
    }
  });

  /** Counts the verdicts of the test snapshot and compares them with the metrics of the summary. */
  async function expectSummaryFollowsFromSnapshot(summary: ReturnType<typeof JSON.parse>) {
    const snapshot = await resultLines('TestingGroundTruth');
    const verdicts = snapshot.flatMap((line) =>
      Object.entries<ReturnType<typeof JSON.parse>>(line).filter(([key]) =>
        /evaluation-\d+-metadata$/.test(key),
      ),
    );
    expect(verdicts).toHaveLength(
      summary.EvaluationDetails.NumberOfTestingImages * summary.EvaluationDetails.Labels.length,
    );
    for (const { Label, Metrics } of summary.LabelEvaluationResults) {
      const count = (verdict: string) =>
        verdicts.filter(
          ([, metadata]) =>
            metadata['class-name'] === Label &&
            metadata['rekognition-custom-labels-evaluation-details'][verdict],
        ).length;
      const [tp, fp, fn] = ['is-true-positive', 'is-false-positive', 'is-false-negative'].map(count);
      expect(Metrics.Recall).toBeCloseTo(tp! / (tp! + fn!), 12);
      expect(Metrics.Precision).toBeCloseTo(tp! + fp! === 0 ? 0 : tp! / (tp! + fp!), 12);
    }
  }
});

describe('AutoCreate', () => {
  it(
    'splits a fifth off, trains a multi-label model where images have several labels',
    TRAINING,
    async () => {
      const training = [
        ...lines(['red', 'green'], 0, 10).map((line) => ({ ...line, ...imageAttribute('noisy', 'texture') })),
        ...lines(['blue'], 0, 10),
        'broken',
      ];
      const outcome = await runTrainingJob(await jobOf(training), objects);
      expect(outcome.status).toBe('TRAINING_COMPLETED');
      const { statistics } = await result('ManifestSummary');
      expect(statistics.testing).toMatchObject({ total_json_lines: 6, valid_json_lines: 6 });
      // Lines are numbered as in the validation manifest of their set.
      expect(statistics.training).toMatchObject({
        total_json_lines: 25,
        valid_json_lines: 24,
        error_json_line_indices: [25],
      });
      const [train, test] = [
        await resultLines('TrainingGroundTruth'),
        await resultLines('TestingGroundTruth'),
      ];
      const urls = (set: { 'source-ref': string }[]) => set.map((line) => line['source-ref']);
      expect([...urls(train), ...urls(test)].toSorted()).toEqual(
        training
          .filter((line) => typeof line !== 'string')
          .map((line) => line['source-ref'])
          .toSorted(),
      );
      expect(urls(await resultLines('TestingManifestWithValidation'))).toEqual(urls(test));
      const summary = await result('EvaluationResultSummary');
      expect(summary.EvaluationDetails.Labels).toEqual(['blue', 'green', 'noisy', 'red']);
      expect(summary.AggregatedEvaluationResults).not.toHaveProperty('ConfusionMatrix');
      const model = await loadClassifier(await readFile(join(directory, 'model.onnx')));
      expect(model.info.exclusive).toBe(false);
      await model.close();
    },
  );
});

const two = ['red', 'green'];
const good = () => lines(two, 0, 8);
const goodTest = () => lines(two, 8, 12);
const relabel = (content: JsonObject[], name: (i: number) => string) =>
  content.map((line, i) => ({ 'source-ref': line['source-ref'], ...imageAttribute(name(i)) }));
const box = { ...boxAttribute([GOOD_BOX]) };

describe('terminal content errors', () => {
  interface Case {
    training: Line[];
    testing?: Line[];
    /** What the summary lists, per place; the first of them in the order of the table is the message. */
    errors: { training?: ContentErrorCode[]; testing?: ContentErrorCode[]; both?: ContentErrorCode[] };
    message: string;
  }
  it.each<[string, () => Case]>([
    [
      'more than a fifth of the lines invalid',
      () => ({
        training: [...good().slice(0, 15), 'broken', 'broken', 'broken', 'broken'],
        testing: goodTest(),
        errors: { training: ['ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST'] },
        message: 'The manifest file contains too many invalid rows.',
      }),
    ],
    [
      'invalid lines and images together',
      () => ({
        training: good(),
        testing: [...goodTest().slice(0, 5), 'broken', imageLine('missing.png', 'red')],
        errors: { testing: ['ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST'] },
        message: 'The manifest file contains too many invalid rows.',
      }),
    ],
    [
      'images in two buckets',
      () => ({
        training: [...good(), { 'source-ref': 's3://more-pictures/red-0.png', ...imageAttribute('red') }],
        testing: goodTest(),
        errors: { training: ['ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS'] },
        message: 'The manifest file contains images from multiple S3 buckets.',
      }),
    ],
    [
      'no such bucket',
      () => ({
        training: good(),
        testing: goodTest().map((line, i) => ({ ...line, 'source-ref': `s3://nowhere/${i}.png` })),
        errors: { testing: ['ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET'] },
        message: 'The permissions for the images S3 bucket are invalid.',
      }),
    ],
    [
      'labels with one image each cannot be split',
      () => ({
        training: relabel(good(), (i) => `label ${i}`),
        errors: { training: ['ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT'] },
        message: 'The manifest file contains insufficient labeled images per label to perform auto-split.',
      }),
    ],
    [
      'one label',
      () => ({
        training: lines(['red'], 0, 8),
        testing: lines(['red'], 8, 10),
        errors: { training: ['ERROR_MANIFEST_TOO_FEW_LABELS'], testing: ['ERROR_MANIFEST_TOO_FEW_LABELS'] },
        message: 'The manifest file has too few labels.',
      }),
    ],
    [
      'one label to be split',
      () => ({
        training: lines(['red'], 0, 8),
        errors: { training: ['ERROR_MANIFEST_TOO_FEW_LABELS'] },
        message: 'The manifest file has too few labels.',
      }),
    ],
    [
      'no label in any line',
      () => ({
        training: [{ 'source-ref': 's3://pictures/red-0.png' }],
        errors: { training: ['ERROR_MANIFEST_TOO_FEW_LABELS'] },
        message: 'The manifest file has too few labels.',
      }),
    ],
    [
      'more than 250 labels',
      () => ({
        training: lines(['red'], 0, 12).map((line, i) => ({
          ...line,
          ...Object.assign({}, ...Array.from({ length: 21 }, (_, j) => imageAttribute(`${i} ${j}`, `a${j}`))),
        })),
        testing: goodTest(),
        errors: { training: ['ERROR_MANIFEST_TOO_MANY_LABELS'], both: ['ERROR_INSUFFICIENT_LABEL_OVERLAP'] },
        message: 'The manifest file has too many labels.',
      }),
    ],
    [
      'fewer than half of the training labels in the test set',
      () => ({
        training: lines(['red', 'green', 'blue'], 0, 8),
        testing: relabel(goodTest(), (i) => ['red', 'other', 'another'][i % 3]!),
        errors: { both: ['ERROR_INSUFFICIENT_LABEL_OVERLAP'] },
        message: 'Less than 50% label overlap between the training and testing manifest files.',
      }),
    ],
    [
      'too few usable labels: the other ones stand at boxes',
      () => ({
        training: [...lines(['red'], 0, 8), { 'source-ref': 's3://pictures/green-0.png', ...box }],
        testing: goodTest(),
        errors: { training: ['ERROR_MANIFEST_TOO_FEW_USABLE_LABELS'] },
        message: 'The manifest file has too few usable labels.',
      }),
    ],
    [
      'too few common usable labels',
      () => ({
        training: [
          ...lines(['red', 'green', 'blue'], 0, 4),
          {
            'source-ref': 's3://pictures/green-5.png',
            ...boxAttribute([GOOD_BOX, [40, 30, 200, 310, 0]], {
              metadata: { 'class-map': { 0: 'b0', 1: 'b1' } },
            }),
          },
        ],
        testing: relabel(goodTest(), (i) => ['red', 'b0', 'b1'][i % 3]!),
        errors: { both: ['ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP'] },
        message: 'Less than 50% usable label overlap between the training and testing manifest files.',
      }),
    ],
    [
      'no image could be read',
      () => ({
        training: good().map((line) => ({ ...line, 'source-ref': `${line['source-ref']}.gone` })),
        testing: goodTest(),
        errors: {
          training: [
            'ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST',
            'ERROR_MANIFEST_TOO_FEW_LABELS',
            'ERROR_FAILED_IMAGES_S3_COPY',
          ],
        },
        message: 'The manifest file contains too many invalid rows.',
      }),
    ],
  ])('%s', async (_, make) => {
    const { training, testing, errors, message } = make();
    const outcome = await runTrainingJob(await jobOf(training, testing), objects);
    await expectFailure(outcome, new RegExp(`^${message}$`), true);
    const summary = await result('ManifestSummary');
    const codes = (list: { code: string }[]) => list.map(({ code }) => code);
    expect({
      training: codes(summary.statistics.training.errors),
      testing: codes(summary.statistics.testing.errors),
      both: codes(summary.errors),
    }).toEqual({ training: [], testing: [], both: [], ...errors });
    expect(await resultLines('TrainingManifestWithValidation')).toHaveLength(training.length);
    expect(await resultLines('TestingManifestWithValidation')).toHaveLength(testing?.length ?? 0);
    for (const set of Object.values<Record<string, number>>(summary.statistics)) {
      expect(set.total_json_lines).toBe(
        set.valid_json_lines! + set.invalid_json_lines! + set.ignored_json_lines!,
      );
    }
    expect(await readdir(join(buckets, 'results', 'out'))).toHaveLength(3);
  });

  it('exactly a fifth invalid is not too many', async () => {
    const training = [...good(), 'broken', 'broken', 'broken', 'broken'];
    const outcome = await runTrainingJob(await jobOf(training, lines(['red'], 8, 12)), objects);
    await expectFailure(outcome, 'too few labels', true);
    expect((await result('ManifestSummary')).statistics.training.errors).toEqual([]);
  });
});

describe('images', () => {
  it.each([
    ['missing.png', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['../train', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['text.png', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['cut.png', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['huge.png', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['long.png', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['narrow.png', 'ERROR_INVALID_IMAGE', imageAttribute('red')],
    ['narrow.png', 'ERROR_INVALID_IMAGE_DIMENSION', { ...imageAttribute('red'), ...box }],
    ['cut.png', 'ERROR_INVALID_IMAGE', box],
  ])('%s: %s', async (key, code, attribute) => {
    // One label in the test set ends the job before the training.
    const training = [...good(), { 'source-ref': `s3://pictures/${key}`, ...attribute }];
    const outcome = await runTrainingJob(await jobOf(training, lines(['red'], 8, 12)), objects);
    await expectFailure(outcome, 'too few labels', true);
    const line = (await resultLines('TrainingManifestWithValidation')).at(-1);
    expect(line.errors.map((error: { code: string }) => error.code)).toEqual([code]);
    expect((await result('ManifestSummary')).statistics.training.error_json_line_indices).toEqual([17]);
  });
});

describe('terminal file errors', () => {
  const badContents = 'The manifest file extension or contents are invalid.';
  it.each<[string, Partial<TrainingJob>, string]>([
    ['no manifest', { training: { bucket: 'manifests', key: 'gone' } }, badContents],
    ['no bucket', { testing: { bucket: 'gone', key: 'test' } }, badContents],
    [
      'a version that is not kept',
      { training: { bucket: 'manifests', key: 'train', version: '1' } },
      badContents,
    ],
    ['a picture', { training: { bucket: 'pictures', key: 'red-0.png' } }, badContents],
    ['an empty file', { testing: { bucket: 'manifests', key: 'empty' } }, 'The manifest file is empty.'],
    [
      'too many lines',
      { training: { bucket: 'manifests', key: 'long' } },
      'The manifest file has too many rows.',
    ],
    ['no output bucket', { output: { bucket: 'gone', prefix: '' } }, 'Unable to write to output S3 bucket.'],
    [
      'an output prefix that leaves no room for names',
      { output: { bucket: 'results', prefix: 'x'.repeat(1024) } },
      'Unable to write to output S3 bucket.',
    ],
  ])('%s', async (_, change, message) => {
    await put('manifests', 'empty', '');
    await put('manifests', 'long', '\n'.repeat(250_001));
    const job = await jobOf(good(), goodTest(), change);
    await expectFailure(await runTrainingJob(job, objects), `^${message}$`, false);
    expect(await readdir(join(buckets, 'results'))).toEqual([]);
  });

  it('the prefix may be empty', async () => {
    const job = await jobOf(lines(['red'], 0, 8), undefined, { output: { bucket: 'results', prefix: '' } });
    await runTrainingJob(job, objects);
    expect(
      (await readdir(join(buckets, 'results'))).filter((name) => name.endsWith('.json')).toSorted(),
    ).toEqual([
      'ManifestSummary-parts-first.json',
      'TestingManifestWithValidation-parts-first.json',
      'TrainingManifestWithValidation-parts-first.json',
    ]);
  });
});

describe('failures on the way', () => {
  /** Objects whose images change after each of them was read `times` times. */
  function spoiledAfter(times: number, spoil: (ref: ObjectRef) => Promise<Buffer>): ObjectStore {
    const reads = new Map<string, number>();
    return storeWith({
      async read(ref, maximum) {
        reads.set(ref.key, (reads.get(ref.key) ?? 0) + 1);
        return reads.get(ref.key)! > times ? await spoil(ref) : await objects.read(ref, maximum);
      },
    });
  }

  const isGone = (ref: ObjectRef) => new ObjectError('no-key', `s3://${ref.bucket}/${ref.key} is gone`);
  const only = (keys: string[], spoil: (ref: ObjectRef) => Promise<Buffer>) =>
    spoiledAfter(1, (ref) => (keys.includes(ref.key) ? spoil(ref) : objects.read(ref, 1e9)));

  it('images that vanish or break after the check are left out, which is said', TRAINING, async () => {
    const store = only(['red-0.png', 'red-9.png'], async (ref) => {
      if (ref.key !== 'red-9.png') throw isGone(ref);
      return (await objects.read(ref, 1e9)).subarray(0, 500);
    });
    const outcome = await runTrainingJob(await jobOf(good(), goodTest()), store);
    if (outcome.status !== 'TRAINING_COMPLETED') throw new Error(outcome.message);
    const [training, test, ...more] = outcome.notes!;
    expect(more).toEqual([]);
    expect(training).toMatch(
      /^1 of \d+ training images could not be used and was left out. s3:\/\/pictures\/red-0.png: s3:\/\/pictures\/red-0.png is gone/,
    );
    expect(test).toMatch(
      /^1 of \d+ test images could not be used and was left out. s3:\/\/pictures\/red-9.png: /,
    );
    const { EvaluationDetails } = await result('EvaluationResultSummary');
    expect(EvaluationDetails).toMatchObject({
      NumberOfTrainingImages: good().length - 1,
      NumberOfTestingImages: goodTest().length - 1,
    });
    expect(await resultLines('TrainingManifestWithValidation')).toHaveLength(good().length);
  });

  it('most images vanish after the check', async () => {
    const store = spoiledAfter(1, (ref) => Promise.reject(isGone(ref)));
    const outcome = await runTrainingJob(await jobOf(good(), goodTest()), store);
    await expectFailure(outcome, /could not be used, which is more than a fifth. The first of them: /, true);
  });

  it('a label loses all its images after the check', async () => {
    const training = [...lines(['red', 'green'], 0, 8), ...lines(['blue'], 0, 2)];
    const store = only(['blue-0.png', 'blue-1.png'], (ref) => Promise.reject(isGone(ref)));
    const outcome = await runTrainingJob(await jobOf(training, goodTest()), store);
    await expectFailure(
      outcome,
      /^The label blue has no training image any more: 2 of 18 training images/,
      true,
    );
  });

  it('the output bucket goes away before the results', TRAINING, async () => {
    const store = storeWith({
      async write(ref, body) {
        if (ref.key.includes('GroundTruth'))
          throw new ObjectError('no-bucket', 'The bucket results does not exist.');
        return await objects.write(ref, body);
      },
    });
    const outcome = await runTrainingJob(await jobOf(good(), goodTest()), store);
    await expectFailure(outcome, '^Unable to write to output S3 bucket.$', true);
  });

  it('the disk is full', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const store = storeWith({ stream: () => Promise.reject(full) });
    const outcome = await runTrainingJob(await jobOf(good(), goodTest()), store);
    await expectFailure(outcome, "^The disk of the server's data directory is full.$", false);
  });

  it.each(['std::bad_alloc', 'Array buffer allocation failed'])('memory runs out: %s', async (message) => {
    const store = storeWith({ read: () => Promise.reject(new RangeError(message)) });
    const outcome = await runTrainingJob(await jobOf(good(), goodTest()), store);
    await expectFailure(outcome, /^The server has too little memory for this training.$/, false);
  });

  it('a model of an earlier attempt does not outlive a failure', async () => {
    await writeFile(join(directory, 'model.onnx'), 'old');
    await mkdir(join(directory, 'scratch'));
    await writeFile(join(directory, 'scratch', 'training.manifest'), 'old');
    await expectFailure(
      await runTrainingJob(await jobOf(lines(['red'], 0, 8)), objects),
      'too few labels',
      true,
    );
  });

  it.each<[string, Partial<ObjectStore>]>([
    ['the store fails', { read: () => Promise.reject(new ObjectError('io', 'broken disk')) }],
    ['the store has a bug', { hasBucket: () => Promise.reject(new TypeError('broken disk')) }],
  ])('%s: the job throws and leaves nothing', async (_, change) => {
    const job = await jobOf(good(), goodTest());
    await expect(runTrainingJob(job, storeWith(change))).rejects.toThrow('broken disk');
    expect(await readdir(directory)).toEqual([]);
  });
});
