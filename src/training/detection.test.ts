import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { boxAttribute, imageAttribute, type TestBox } from '../manifest/fixtures.ts';
import { parseLine } from '../manifest/line.ts';
import type { JsonObject } from '../manifest/parsed.ts';
import { FolderObjects } from '../objects/folder.ts';
import type { ObjectRef } from '../objects/objects.ts';
import { colourDetector } from '../serving/fixtures.ts';
import type { DetectorOptions } from '../vision/detector.ts';
import { loadDetector } from '../vision/model.ts';
import { runTrainingJob } from './job.ts';
import type { TrainingJob } from './outcome.ts';

// Trainings of detectors, but for the learning: the detector knows colours by itself.

const trainDetector = vi.hoisted(() => vi.fn<(options: DetectorOptions) => Promise<Uint8Array>>());
vi.mock('../vision/detector.ts', () => ({ trainDetector }));

const CLASSES = { 0: 'red', 1: 'green', 2: 'blue', 3: 'grey' };
const [RED, GREEN, BLUE, GREY] = [0, 1, 2, 3];
const PAINT = ['#e00000', '#00c000', '#0000a0', '#808080'];
const SIDE = 128;

let buckets: string;
let directory: string;
let objects: FolderObjects;

/** A dark picture with coloured rectangles, sharp-edged. */
async function draw(boxes: TestBox[]): Promise<Buffer> {
  const shapes = boxes.map(([left, top, width, height, colour]) => ({
    input: { create: { width, height, channels: 3 as const, background: PAINT[colour]! } },
    left,
    top,
  }));
  const canvas = { width: SIDE, height: SIDE, channels: 3 as const, background: '#202020' };
  return await sharp({ create: canvas }).composite(shapes).png().toBuffer();
}

async function put(bucket: string, key: string, body: string | Uint8Array): Promise<ObjectRef> {
  await writeFile(join(buckets, bucket, key), body);
  return { bucket, key };
}

/** Rectangles of the pictures `0.png` … `9.png`: a red one in each, a green one beside it in every other. */
const scene = (i: number): TestBox[] => [
  [4 + 5 * i, 8, 30, 20 + i, RED],
  ...(i % 2 === 0 ? [[10, 60 + i, 24 + 2 * i, 40, GREEN] as TestBox] : []),
];

beforeAll(async () => {
  buckets = await mkdtemp(join(tmpdir(), 'ocellus-buckets-'));
  objects = new FolderObjects(buckets);
  for (const name of ['pictures', 'manifests']) await mkdir(join(buckets, name));
  for (let i = 0; i < 10; i++) await put('pictures', `${i}.png`, await draw(scene(i)));
  await put('pictures', 'empty.png', await draw([]));
  await put('pictures', 'broken.png', (await draw([])).subarray(0, 60));
  await put('pictures', 'weak.png', await draw([[20, 20, 40, 40, BLUE]]));
  await put('pictures', 'grey.png', await draw([[20, 20, 40, 40, GREY]]));
});
afterAll(() => rm(buckets, { recursive: true, force: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-job-'));
  await mkdir(join(buckets, 'results'));
  trainDetector.mockReset().mockImplementation(async ({ labels }) => colourDetector(labels));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(join(buckets, 'results'), { recursive: true, force: true });
});

type Change = Parameters<typeof boxAttribute>[1] & { attribute?: string; size?: number };

/** A line with boxes on a picture of `size` pixels a side. */
function boxLine(key: string, boxes: TestBox[], { value, metadata, attribute, size = SIDE }: Change = {}) {
  const change = {
    value: { image_size: [{ width: size, height: size, depth: 3 }], ...value },
    metadata: { 'class-map': CLASSES, ...metadata },
  };
  return { 'source-ref': `s3://pictures/${key}`, ...boxAttribute(boxes, change, attribute) };
}
const sceneLine = (i: number) => boxLine(`${i}.png`, scene(i));
const scenes = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => sceneLine(from + i));

async function manifest(key: string, lines: JsonObject[]): Promise<ObjectRef> {
  return await put('manifests', key, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

async function train(training: JsonObject[], testing?: JsonObject[]) {
  const job: TrainingJob = {
    projectVersionArn: 'arn:aws:rekognition:us-east-1:000000000000:project/parts/version/first/1690556751958',
    projectName: 'parts',
    versionName: 'first',
    training: await manifest('train', training),
    ...(testing && { testing: await manifest('test', testing) }),
    output: { bucket: 'results', prefix: '' },
    seed: 1,
    budget: 'fast',
    directory,
  };
  const outcome = await runTrainingJob(job, objects);
  if (outcome.status !== 'TRAINING_COMPLETED') throw new Error(outcome.message);
  return outcome;
}

const resultText = (name: string) => readFile(join(buckets, 'results', `${name}-parts-first.json`), 'utf8');
type Json = ReturnType<typeof JSON.parse>;
const result = async (name: string): Promise<Json> => JSON.parse(await resultText(name));
const resultLines = async (name: string): Promise<Json[]> =>
  (await resultText(name))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const given = () => trainDetector.mock.calls[0]![0];
/** What the trainer was given: boxes in pixels of the picture. */
const samples = () =>
  given().training.map(({ id, boxes }) => [
    id.split('/').at(-1),
    ...boxes.map(({ label, left, top, width, height }) => [
      given().labels[label],
      ...[left, top, width, height].map((share) => Math.round(share * SIDE)),
    ]),
  ]);
const sampleOf = (i: number) => [
  `${i}.png`,
  ...scene(i).map(([left, top, width, height, id]) => [PAINT_NAMES[id], left, top, width, height]),
];
const PAINT_NAMES = Object.values(CLASSES);

const KEY = 'rekognition-custom-labels-evaluation';

/** The verdicts of a snapshot line, as text. */
function verdicts(line: Json): string[] {
  const { objects: judged, 'class-map': names } = line[`${KEY}-metadata`];
  return judged.map((object: Json, index: number) => {
    const details: Record<string, unknown> = object[`${KEY}-details`];
    const [verdict, ...others] = Object.keys(details).filter(
      (name) => /^is-(true|false)/.test(name) && details[name] === true,
    );
    expect(others).toEqual([]);
    const present = verdict === 'is-true-positive' || verdict === 'is-false-negative';
    expect(details['is-present-in-ground-truth']).toBe(present);
    return `${names[line[KEY].annotations[index].class_id]} ${verdict}`;
  });
}

describe('boxes in both sets', () => {
  it('make a detector, with files that agree with each other', async () => {
    const outcome = await train(scenes(0, 6), scenes(6, 10));
    expect(outcome.f1Score).toBe(1);
    expect(outcome.notes).toBeUndefined();
    expect(given()).toMatchObject({ labels: ['green', 'red'], seed: 1, budget: 'fast' });
    expect(samples()).toEqual([0, 1, 2, 3, 4, 5].map(sampleOf));
    expect(await given().training[3]!.load()).toEqual(await readFile(join(buckets, 'pictures', '3.png')));

    const summary = await result('EvaluationResultSummary');
    expect(summary.EvaluationDetails).toMatchObject({
      Labels: ['green', 'red'],
      NumberOfTrainingImages: 6,
      NumberOfTestingImages: 4,
    });
    expect(summary.AggregatedEvaluationResults).toEqual({
      Precision: 1,
      Recall: 1,
      F1Score: 1,
      AveragePrecision: 1,
      AverageRecall: 1,
    });
    const tested = summary.LabelEvaluationResults.map((each: Json) => [
      each.Label,
      each.NumberOfTestingImages,
    ]);
    expect(Object.fromEntries(tested)).toEqual({ green: 2, red: 4 });
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training).toMatchObject({
      use_case: 'OBJECT_LOCALIZATION',
      valid_json_lines: 6,
      errors: [],
    });
    expect(statistics.testing).toMatchObject({
      use_case: 'OBJECT_LOCALIZATION',
      valid_json_lines: 4,
      errors: [],
    });

    const model = await loadDetector(await readFile(join(directory, 'model.onnx')));
    const thresholds = summary.LabelEvaluationResults.map((each: Json) => [
      each.Label,
      each.Metrics.Threshold,
    ]);
    expect(model.info.thresholds).toEqual(
      model.info.labels.map((label) => Object.fromEntries(thresholds)[label]),
    );
    await model.close();
    expect(await readdir(directory)).toEqual(['model.onnx']);
  });

  it('are in the snapshots as manifest lines, each test object with its outcome', async () => {
    await train(scenes(0, 6), scenes(6, 10));
    const training = (await resultText('TrainingGroundTruth')).trimEnd().split('\n').map(parseLine);
    expect(training.map(({ problems }) => problems)).toEqual(training.map(() => []));
    expect(
      training[4]!.boxes.map(({ label, left, top, width, height }) => [left, top, width, height, label]),
    ).toEqual(scene(4).map(([...box]) => [...box.slice(0, 4), PAINT_NAMES[box[4]!]]));
    const lines = await resultLines('TestingGroundTruth');
    expect(lines.map((line) => parseLine(JSON.stringify(line)).problems)).toEqual([[], [], [], []]);
    expect(lines[0]['source-ref']).toBe('s3://pictures/6.png');
    expect(lines[0][KEY].image_size).toEqual([{ width: SIDE, height: SIDE, depth: 3 }]);
    expect(lines[0][`${KEY}-metadata`]).toMatchObject({
      'job-name': `${KEY}-job`,
      'human-annotated': 'no',
      type: 'groundtruth/object-detection',
    });
    // The detector finds the very rectangles.
    expect(lines[0][KEY].annotations.map(({ class_id, ...box }: Json) => box)).toEqual(
      scene(6).map(([left, top, width, height]) => ({ left, top, width, height })),
    );
    expect(verdicts(lines[0])).toEqual(['red is-true-positive', 'green is-true-positive']);
  });

  it('count every object once: found, missed, or found where nothing is', async () => {
    const testing = [
      // The red one is drawn too far to the right, the green one isn't drawn.
      boxLine('0.png', [[70, 8, 30, 20, RED]]),
      boxLine('1.png', [...scene(1), [60, 60, 30, 30, GREEN]]),
      sceneLine(2),
    ];
    await train(scenes(2, 10), testing);
    const lines = await resultLines('TestingGroundTruth');
    expect(lines.map(verdicts)).toEqual([
      ['red is-false-positive', 'green is-false-positive', 'red is-false-negative'],
      ['red is-true-positive', 'green is-false-negative'],
      ['red is-true-positive', 'green is-true-positive'],
    ]);
    const missed = lines[0][`${KEY}-metadata`].objects[2];
    expect(missed.confidence).toBe(0);
    expect(lines[0][KEY].annotations[2]).toMatchObject({ left: 70, top: 8, width: 30, height: 20 });
    const summary = await result('EvaluationResultSummary');
    const metrics = new Map<string, Json>(
      summary.LabelEvaluationResults.map((each: Json) => [each.Label, each.Metrics]),
    );
    expect(metrics.get('red')).toMatchObject({ Precision: 2 / 3, Recall: 2 / 3 });
    expect(metrics.get('green')).toMatchObject({ Precision: 1 / 2, Recall: 1 / 2 });
    expect(summary.AggregatedEvaluationResults.AverageRecall).toBeCloseTo((2 / 3 + 1 / 2) / 2, 12);
  });

  it('leave labels that only the test set has out of the evaluation, and in the snapshot', async () => {
    const other = boxLine('3.png', [...scene(3), [80, 80, 20, 20, BLUE]]);
    expect((await train(scenes(0, 3), [other])).f1Score).toBe(1);
    const summary = await result('EvaluationResultSummary');
    expect(summary.EvaluationDetails.Labels).toEqual(['green', 'red']);
    const [line] = await resultLines('TestingGroundTruth');
    expect(verdicts(line)).toEqual(['red is-true-positive']);
    expect(line['rekognition-custom-labels-training-0-metadata']['class-map']).toEqual({
      1: 'red',
      2: 'blue',
    });
    expect(summary.LabelEvaluationResults.find((each: Json) => each.Label === 'green')).toEqual({
      Label: 'green',
      NumberOfTestingImages: 0,
      Metrics: { Precision: 0, Recall: 0, F1Score: 0, Threshold: 0.5 },
    });
  });

  it('have thresholds that follow the scores of their labels', async () => {
    // Blue is the weakest colour.
    const weak = boxLine('weak.png', [[20, 20, 40, 40, BLUE]]);
    await train([...scenes(0, 3), weak], [...scenes(3, 6), weak]);
    const model = await loadDetector(await readFile(join(directory, 'model.onnx')));
    const [blue, green, red] = model.info.thresholds as [number, number, number];
    expect(model.info.labels).toEqual(['blue', 'green', 'red']);
    expect(blue).toBeGreaterThan(0.1);
    expect(blue).toBeLessThan(green);
    expect(green).toBeLessThan(red);
    await model.close();
  });
});

it('a test image that breaks after the check is left out, and its boxes with it', async () => {
  const read = objects.read.bind(objects);
  let reads = 0;
  vi.spyOn(objects, 'read').mockImplementation(async (ref, maximum) => {
    const file = await read(ref, maximum);
    return ref.key === '5.png' && ++reads > 1 ? file.subarray(0, 60) : file;
  });
  try {
    const { f1Score, notes } = await train(scenes(0, 4), scenes(4, 10));
    expect(f1Score).toBe(1);
    expect(notes).toEqual([expect.stringMatching(/^1 of 6 test images could not be used.*5\.png/)]);
  } finally {
    vi.restoreAllMocks();
  }
  const lines = await resultLines('TestingGroundTruth');
  expect(lines.map((line) => line['source-ref'])).toEqual(
    [4, 6, 7, 8, 9].map((i) => `s3://pictures/${i}.png`),
  );
  expect(lines.flatMap(verdicts)).toHaveLength(5 + 3);
  const { EvaluationDetails } = await result('EvaluationResultSummary');
  expect(EvaluationDetails.NumberOfTestingImages).toBe(5);
});

describe('lines', () => {
  it('may have several box attributes, drawn on pictures of other sizes', async () => {
    const [first, second] = scene(0) as [TestBox, TestBox];
    const doubled = second.map((edge, i) => (i < 4 ? 2 * edge : edge)) as TestBox;
    const line = {
      ...boxLine('0.png', [first]),
      ...boxLine('0.png', [doubled], { attribute: 'more', size: 2 * SIDE }),
    };
    await train([line, ...scenes(1, 4)], scenes(4, 6));
    expect(samples().slice(0, 2)).toEqual([sampleOf(0), sampleOf(1)]);
  });

  it('of images of another size have their boxes scaled, and a remark says so', async () => {
    const half = (i: number) => {
      const boxes = scene(i).map(([l, t, w, h, id]): TestBox => [l / 2, t / 2, w / 2, h / 2, id]);
      return boxLine(`${i}.png`, boxes, { size: SIDE / 2 });
    };
    const { notes } = await train([half(0), half(2), ...scenes(3, 6)], scenes(6, 8));
    expect(samples().slice(0, 3)).toEqual([0, 2, 3].map(sampleOf));
    expect(notes).toEqual([
      'The boxes of 2 of 5 images are given on another size than the image has, and were scaled: s3://pictures/0.png ' +
        'has 128 x 128 pixels, its boxes 64 x 64.',
    ]);
  });

  it.each([5, 6, 7, 8])(
    'drawn on the picture as it is stored are turned as EXIF %d turns it',
    async (orientation) => {
      const stored = await sharp(await draw([[16, 8, 40, 24, RED]]))
        .extract({ left: 0, top: 0, width: SIDE, height: 96 })
        .withMetadata({ orientation })
        .png()
        .toBuffer();
      await put('pictures', 'lying.png', stored);
      const value = { image_size: [{ width: SIDE, height: 96, depth: 3 }] };
      const lying = boxLine('lying.png', [[16, 8, 40, 24, RED]], { value });
      const { notes } = await train([...scenes(0, 4), lying], [lying]);
      expect(notes).toBeUndefined();
      // The detector sees the upright picture: it agrees when the box has been turned with it.
      const [line] = await resultLines('TestingGroundTruth');
      expect(verdicts(line)).toEqual(['red is-true-positive']);
      expect(line[KEY].image_size).toEqual([{ width: 96, height: SIDE, depth: 3 }]);
      const { class_id, ...found } = line[KEY].annotations[0];
      expect(line['rekognition-custom-labels-training-0'].annotations).toEqual([{ class_id, ...found }]);
    },
  );

  it('lose boxes that are not usable, or are lost, and say so', async () => {
    const tooMany = Array.from({ length: 51 }, (): TestBox => [4, 8, 30, 20, RED]);
    const training = [
      ...scenes(0, 9),
      boxLine('9.png', [...scene(9), [120, 8, 30, 20, RED], [8, 8, 0, 20, RED], [-1, 8, 20, 20, RED]]),
      boxLine('weak.png', tooMany),
      boxLine('grey.png', [[4, 8, 30, 20, 7]]),
    ];
    await train(training, scenes(0, 2));
    expect(samples()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(sampleOf));
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training).toMatchObject({
      valid_json_lines: 10,
      invalid_json_lines: 2,
      error_json_line_indices: [10, 11, 12],
    });
    const codes = (object: Json) => (object.errors ?? []).map(({ code }: Json) => code);
    const [outside, many, unknown] = (await resultLines('TrainingManifestWithValidation')).slice(9);
    expect(outside.boxes.annotations.map(codes)).toEqual([
      [],
      ['ERROR_INVALID_BOUNDING_BOX'],
      ['ERROR_BOUNDING_BOX_TOO_SMALL'],
      ['ERROR_INVALID_BOUNDING_BOX'],
    ]);
    expect(codes(many.boxes)).toEqual(['ERROR_TOO_MANY_BOUNDING_BOXES']);
    expect(codes(unknown['boxes-metadata'])).toEqual(['ERROR_MISSING_CLASS_MAP_ID']);
  });

  it('without objects are ignored where lines are counted, and teach what is no object', async () => {
    const training = [
      ...scenes(0, 4),
      boxLine('empty.png', []),
      boxLine('empty.png', []), // once more
      boxLine('broken.png', []),
      boxLine('1.png', []), // another line knows better
      boxLine('grey.png', [], { metadata: { 'human-annotated': 'no' } }),
      { 'source-ref': 's3://pictures/weak.png' }, // nobody has looked yet
    ];
    const { notes } = await train(training, scenes(4, 8));
    expect(samples()).toEqual([...[0, 1, 2, 3].map(sampleOf), ['empty.png']]);
    expect(notes).toEqual([
      "Images without boxes (1) were used, too: they show what isn't an object.",
      'Images without boxes that could not be opened (1) were left out.',
    ]);
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training).toMatchObject({
      valid_json_lines: 4,
      ignored_json_lines: 6,
      invalid_json_lines: 0,
    });
    expect((await result('EvaluationResultSummary')).EvaluationDetails.NumberOfTrainingImages).toBe(4);
    expect(await resultLines('TrainingGroundTruth')).toHaveLength(4);
  });

  it('of the other kind are set aside and counted', async () => {
    const aside = { 'source-ref': 's3://pictures/weak.png', ...imageAttribute('red') };
    const both = { ...sceneLine(3), ...imageAttribute('nice') };
    const { notes } = await train([...scenes(0, 3), both, aside], [...scenes(4, 6), aside]);
    expect(notes).toEqual([
      'Images with only labels of whole images (2) are left out: the model learns boxes.',
    ]);
    expect(samples()).toEqual([0, 1, 2, 3].map(sampleOf));
    expect(given().labels).toEqual(['green', 'red']);
  });
});

describe('brands', () => {
  it('whole images are the objects when only the test set has boxes', async () => {
    const label = (key: string, name: string) => ({
      'source-ref': `s3://pictures/${key}`,
      ...imageAttribute(name),
    });
    const training = [label('0.png', 'red'), label('1.png', 'red'), label('2.png', 'green')];
    const { notes } = await train(training, scenes(4, 8));
    expect(samples()).toEqual([
      ['0.png', ['red', 0, 0, SIDE, SIDE]],
      ['1.png', ['red', 0, 0, SIDE, SIDE]],
      ['2.png', ['green', 0, 0, SIDE, SIDE]],
    ]);
    expect(notes).toEqual([expect.stringContaining('have no boxes')]);
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training).toMatchObject({
      use_case: 'OBJECT_LOCALIZATION',
      valid_json_lines: 3,
      errors: [],
    });
    const [line] = await resultLines('TrainingGroundTruth');
    expect(parseLine(JSON.stringify(line)).boxes).toEqual([
      { label: 'red', left: 0, top: 0, width: SIDE, height: SIDE, image: { width: SIDE, height: SIDE } },
    ]);
  });
});

describe('AutoCreate', () => {
  it('splits a fifth of each label off; images without objects stay for the training', async () => {
    await train([...scenes(0, 10), boxLine('empty.png', [])]);
    const urls = (lines: Json[]) => lines.map((line) => line['source-ref']);
    const [training, testing] = [
      await resultLines('TrainingGroundTruth'),
      await resultLines('TestingGroundTruth'),
    ];
    expect(testing).toHaveLength(2);
    expect([...urls(training), ...urls(testing)].toSorted()).toEqual(urls(scenes(0, 10)));
    const summary = await result('EvaluationResultSummary');
    const tested = summary.LabelEvaluationResults.map((each: Json) => [
      each.Label,
      each.NumberOfTestingImages,
    ]);
    expect(Object.fromEntries(tested)).toEqual({ green: 1, red: 2 });
    expect(samples().at(-1)).toEqual(['empty.png']);
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training).toMatchObject({
      total_json_lines: 9,
      valid_json_lines: 8,
      ignored_json_lines: 1,
    });
  });

  it('needs one label, and two images of it', async () => {
    const reds = [1, 3, 5].map(sceneLine);
    await train(reds);
    expect(given().labels).toEqual(['red']);
    await expect(train([sceneLine(1)])).rejects.toThrow(
      'insufficient labeled images per label to perform auto-split',
    );
  });
});

describe('data that no detector can be made of', () => {
  it.each<[string, () => [JsonObject[], JsonObject[]], RegExp]>([
    [
      'no box in the test set',
      () => [scenes(0, 4), [boxLine('4.png', []), boxLine('5.png', [])]],
      /too few labels/,
    ],
    [
      'other labels in the test set',
      () => [scenes(0, 4), [boxLine('weak.png', [[20, 20, 40, 40, BLUE]])]],
      /Less than 50% label overlap/,
    ],
    [
      'no usable box',
      () => [[0, 1, 2].map((i) => boxLine(`${i}.png`, [[120, 8, 30, 20, RED]])), scenes(4, 6)],
      /too many invalid rows/,
    ],
  ])('%s', async (_, make, message) => {
    await expect(train(...make())).rejects.toThrow(message);
    expect(trainDetector).not.toHaveBeenCalled();
  });

  it('boxes in training alone do not make one', async () => {
    const labels = ['red', 'green'].flatMap((name, i) =>
      [0, 1].map((j) => ({ 'source-ref': `s3://pictures/${2 * i + j}.png`, ...imageAttribute(name) })),
    );
    await expect(train([...labels, sceneLine(5)], labels.slice(0, 2))).rejects.toThrow('too few labels');
    const { statistics } = await result('ManifestSummary');
    expect(statistics.training.use_case).toBe('IMAGE_LEVEL_LABELS');
  });
});
