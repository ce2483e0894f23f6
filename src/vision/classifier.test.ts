import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBackbone } from './backbone.ts';
import { type Sample, type TrainingProgress, trainClassifier } from './classifier.ts';
import { encodeModel, type OnnxModel, type OnnxNode, readMetadata } from './graph/onnx.ts';
import { ImageError } from './image.ts';
import { loadClassifier, loadModel, withThresholds } from './model.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';

const labels = ['dots', 'stripes'];
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocellus-classifier-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** A noisy picture with stripes (label 1) or dots (label 0) in random colours. */
function picture(label: number, seed: number): Promise<Buffer> {
  const size = 72;
  const next = random(seed);
  const colours = [0, 0, 0].map(() => [next() * 100, 155 + next() * 100] as const);
  const period = 8 + Math.floor(next() * 6);
  const data = Buffer.alloc(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [i % size, Math.floor(i / size)];
    const near = (v: number) => v % period < period / 2;
    const front = label === 1 ? near(y) : near(x) && near(y);
    for (const [c, [a, b]] of colours.entries())
      data[i * 3 + c] = Math.min(255, (front ? a : b) * 0.8 + next() * 40);
  }
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** Fresh networks end in a layer of zeros, which as features would say nothing. */
function randomHead(model: OnnxModel): OnnxModel {
  const next = random(8);
  const last = model.initializers.get(model.nodes.at(-2)!.inputs[1]!)!;
  for (let i = 0; i < last.data.length; i++) last.data[i] = next() - 0.5;
  return model;
}

const tiny = () => residualNetwork({ widths: [8, 16], labels: 12 }, random(4));
const SIZE = { inputSize: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

const samples = (count: number, from: number): Sample[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${from + i}`,
    labels: [i % 2],
    load: () => picture(i % 2, from + i),
  }));

const train = (training: Sample[], exclusive = true) =>
  trainClassifier({ labels, exclusive, training, seed: 3, budget: 'fast', scratch });

/** Trainings take seconds, or much longer on a busy machine. */
const TRAINING = { timeout: 600_000 };

describe('trainClassifier', () => {
  it('learns to tell unseen pictures apart, with the same file for the same seed', TRAINING, async () => {
    const fractions: number[] = [];
    const training = samples(40, 100);
    const file = await trainClassifier({
      labels,
      exclusive: true,
      training,
      seed: 3,
      budget: 'fast',
      scratch,
      onProgress: ({ fraction }) => void fractions.push(fraction),
    });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(await readdir(scratch)).toEqual([]);

    const model = await loadClassifier(file);
    const unseen = samples(20, 1000);
    const scores = await model.predict(await Promise.all(unseen.map((sample) => sample.load())));
    const right = scores.filter((row, i) => (row[1]! > row[0]! ? 1 : 0) === unseen[i]!.labels[0]);
    expect(right.length).toBeGreaterThanOrEqual(18);
    for (const row of scores) expect(row[0]! + row[1]!).toBeCloseTo(1, 5);

    // One picture at a time gives the same scores as a batch.
    const [single] = await model.predict([await unseen[0]!.load()]);
    single!.forEach((score, i) => void expect(score).toBeCloseTo(scores[0]![i]!, 5));
    await model.close();

    expect(Buffer.from(await train(training)).equals(file)).toBe(true);
  });

  // A network of random weights needs the views of `best` to become better than a head.
  it.each(['fast', 'best'] as const)('starts from a backbone (%s)', async (budget) => {
    const backbone = await openBackbone(encodeModel(randomHead(tiny())), { name: 'random', ...SIZE });
    const options = {
      labels,
      exclusive: true,
      training: samples(400, 100),
      seed: 3,
      budget,
      scratch,
      backbone,
    };
    const file = await trainClassifier(options);
    expect(Buffer.from(await trainClassifier(options)).equals(file)).toBe(true);
    const classifier = await loadClassifier(file);
    const unseen = samples(20, 1000);
    const scores = await classifier.predict(await Promise.all(unseen.map((sample) => sample.load())));
    const right = scores.filter((row, i) => (row[1]! > row[0]! ? 1 : 0) === unseen[i]!.labels[0]);
    expect(right.length).toBeGreaterThanOrEqual(15);
    const image = sharp(await picture(0, 1000)).png();
    const both = [await image.toBuffer(), await image.flop().toBuffer()];
    const [own, mirrored] = await classifier.predict(both);
    expect(mirrored![0]).toBeCloseTo(own![0]!, 2);
    expect(classifier.info).toMatchObject({
      inputSize: 32,
      backbone: { name: 'random', checksum: backbone.checksum, fineTuned: budget === 'best' },
      training: { budget, seed: 3, method: budget === 'fast' ? 'head' : 'whole network' },
    });
    await classifier.close();
  });

  it('cut short in fine-tuning, goes on to the same file', TRAINING, async () => {
    const backbone = await openBackbone(encodeModel(randomHead(tiny())), { name: 'random', ...SIZE });
    const training = samples(400, 100);
    const base = {
      labels,
      exclusive: true,
      training,
      seed: 3,
      budget: 'best',
      scratch,
      backbone,
    } as const;
    const file = await trainClassifier(base);

    // In the trial, and in the training that follows it.
    for (const share of [0.3, 0.8]) {
      const checkpoints = await mkdtemp(join(scratch, 'checkpoints-'));
      const kill = ({ stage, fraction }: TrainingProgress) => {
        if (stage === 'fine-tuning' && fraction > share) throw new Error('killed');
      };
      const killed = trainClassifier({ ...base, checkpoints, onProgress: kill });
      await expect(killed).rejects.toThrow('killed');
      const fractions: number[] = [];
      const onProgress = ({ stage, fraction, loss }: TrainingProgress) => {
        if (stage === 'fine-tuning' && loss !== undefined) fractions.push(fraction);
      };
      const resumed = await trainClassifier({ ...base, checkpoints, onProgress });
      expect(fractions[0]).toBeGreaterThan(share - 0.1);
      expect(Buffer.from(resumed).equals(file)).toBe(true);
      await rm(checkpoints, { recursive: true });
    }
  });

  it('uses a backbone frozen, and says so, where fine-tuning is not possible', async () => {
    const model = residualNetwork({ widths: [8, 16], labels: 12 }, random(4));
    const end: OnnxNode = { type: 'Mish', inputs: ['logits'], outputs: ['end'], attributes: {} };
    const file = encodeModel({ ...model, nodes: [...model.nodes, end], outputs: [{ name: 'end' }] });
    const description = { name: 'mish', inputSize: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
    const notes: string[] = [];
    const trained = await trainClassifier({
      labels,
      exclusive: true,
      training: samples(8, 100),
      seed: 3,
      budget: 'balanced',
      scratch,
      backbone: await openBackbone(file, description),
      onProgress: ({ note }) => void (note && notes.push(note)),
    });
    const gap = 'Mish (backbone.end): The operator Mish is not in the operator table';
    expect(notes).toEqual([`The backbone mish stays frozen. ${gap}`]);
    const classifier = await loadClassifier(trained);
    expect(classifier.info.backbone).toMatchObject({ name: 'mish', fineTuned: false });
    await classifier.close();
  });

  it('trains independent labels when they are not exclusive', async () => {
    const training = samples(24, 500).map((sample, i) => (i % 6 === 0 ? { ...sample, labels: [] } : sample));
    const model = await loadClassifier(await train(training, false));
    const [row] = await model.predict([await picture(0, 9)]);
    expect(model.info.exclusive).toBe(false);
    for (const score of row!) {
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThan(1);
    }
    await model.close();
  });

  describe('pictures that cannot be opened', () => {
    const broken = (label: number): Sample => ({
      id: `s3://b/broken-${label}`,
      labels: [label],
      load: async () => (await picture(0, 1)).subarray(0, 700),
    });
    const gone: Sample = {
      id: 's3://b/gone',
      labels: [1],
      load: () => Promise.reject(new ImageError('gone', 'The object is no longer there.')),
    };
    const trainWith = async (training: Sample[]) => {
      const notes: string[] = [];
      const omitted: number[] = [];
      const file = await trainClassifier({
        labels,
        exclusive: true,
        training,
        seed: 3,
        budget: 'fast',
        scratch,
        backbone: await openBackbone(encodeModel(randomHead(tiny())), { name: 'random', ...SIZE }),
        onProgress: ({ note }) => void (note && notes.push(note)),
        onOmitted: (places) => void omitted.push(...places),
      });
      expect(await readdir(scratch)).toEqual([]);
      return { file, notes, omitted };
    };

    it('are left out, which is said, and the model is that of the others', async () => {
      const good = samples(12, 1);
      const { file, notes, omitted } = await trainWith([good[0]!, broken(0), ...good.slice(1), gone]);
      expect(notes).toEqual([
        expect.stringMatching(
          /^2 of 14 training images could not be used and were left out\. The first of them: s3:\/\/b\/broken-0: The image cannot be decoded/,
        ),
      ]);
      expect(omitted).toEqual([1, 13]);
      // The same pictures in the same order, but other records of the file that keeps them.
      expect(readMetadata(file)).toEqual(readMetadata((await trainWith(good)).file));
    });

    it.each([
      [
        'a label has no other',
        [...samples(12, 1).filter(({ labels: [label] }) => label === 0), gone],
        'The label stripes has no',
      ],
      [
        'they are more than a fifth',
        [...samples(10, 1), broken(0), broken(1), gone],
        '3 of 13 training images',
      ],
    ])('end the training when %s', async (_name, training, message) => {
      await expect(trainWith(training)).rejects.toMatchObject({
        name: 'TrainingError',
        message: expect.stringContaining(message),
      });
      expect(await readdir(scratch)).toEqual([]);
    });

    it('are not all to blame: a store that fails ends the training', async () => {
      const failing = { ...gone, load: () => Promise.reject(new Error('no connection')) };
      await expect(trainWith([...samples(12, 1), failing])).rejects.toThrow('no connection');
    });
  });

  it.each(['pixels', 'features'])('says when the disk is full of %s', async (name) => {
    await symlink('/dev/full', join(scratch, name));
    const backbone = await openBackbone(encodeModel(randomHead(tiny())), { name: 'random', ...SIZE });
    const options = { labels, exclusive: true, training: samples(12, 1), seed: 3, scratch, backbone };
    await expect(trainClassifier({ ...options, budget: 'fast' })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readdir(scratch)).toEqual([]);
  });

  it('keeps the head when a gradient stops being a number, and says so', async () => {
    // The derivative of the square root of 0 times that of a rectifier: infinity times 0.
    const model = randomHead(tiny());
    const end = ['Relu', 'Sqrt'].map((type, i): OnnxNode => {
      const names = ['logits', 'rectified', 'end'];
      return { type, inputs: [names[i]!], outputs: [names[i + 1]!], attributes: {} };
    });
    const file = encodeModel({ ...model, nodes: [...model.nodes, ...end], outputs: [{ name: 'end' }] });
    const notes: string[] = [];
    const trained = await trainClassifier({
      labels,
      exclusive: true,
      training: samples(20, 100),
      seed: 3,
      budget: 'balanced',
      scratch,
      backbone: await openBackbone(file, { name: 'root', ...SIZE }),
      onProgress: ({ note }) => void (note && notes.push(note)),
    });
    expect(notes.length).toBeGreaterThan(0);
    for (const note of notes)
      expect(note).toMatch(
        /^The model was not fine-tuned further\. The gradients are no longer a number at step 1 of/,
      );
    const classifier = await loadClassifier(trained);
    expect(classifier.info.backbone).toMatchObject({ fineTuned: false });
    expect(classifier.info.training).toMatchObject({ method: 'head' });
    const [scores] = await classifier.predict([await picture(1, 9)]);
    expect(scores!.every(Number.isFinite)).toBe(true);
    await classifier.close();
  });

  it.each([
    [
      'a label with one picture',
      samples(11, 100).map((sample, i) => ({ ...sample, labels: [i === 5 ? 1 : 0] })),
    ],
    [
      'identical pictures with different labels',
      samples(12, 100).map((sample) => ({ ...sample, load: () => picture(0, 1) })),
    ],
  ])('copes with %s', async (_name, training) => {
    const backbone = await openBackbone(encodeModel(randomHead(tiny())), { name: 'random', ...SIZE });
    const options = { labels, exclusive: true, training, seed: 3, scratch, backbone };
    const classifier = await loadClassifier(await trainClassifier({ ...options, budget: 'balanced' }));
    const [scores] = await classifier.predict([await picture(0, 1)]);
    expect(scores![0]! + scores![1]!).toBeCloseTo(1, 5);
    if (training.length === 12) expect(scores![0]).toBeCloseTo(0.5, 1);
    await classifier.close();
  });

  it('changes thresholds without touching the network', async () => {
    const file = await train(samples(4, 1));
    const changed = withThresholds(file, [0.25, 0.75]);
    const [before, after] = [await loadClassifier(file), await loadClassifier(changed)];
    expect(after.info).toEqual({ ...before.info, thresholds: [0.25, 0.75] });
    const image = await picture(1, 77);
    expect(await after.predict([image])).toEqual(await before.predict([image]));
    expect(() => withThresholds(file, [0.5])).toThrow('1 thresholds for 2 labels');
    await Promise.all([before.close(), after.close()]);
  });
});

describe('loadModel', () => {
  it.each([
    ['text', Buffer.from('not a model at all')],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_name, file) =>
    expect(loadModel(file)).rejects.toThrow(/not an ONNX model|no Ocellus metadata/),
  );
});
