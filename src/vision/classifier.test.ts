import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBackbone } from './backbone.ts';
import { type Sample, trainClassifier } from './classifier.ts';
import { encodeModel, type OnnxModel, type OnnxNode } from './graph/onnx.ts';
import { loadModel, withThresholds } from './model.ts';
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

const samples = (count: number, from: number): Sample[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${from + i}`,
    labels: [i % 2],
    load: () => picture(i % 2, from + i),
  }));

const train = (training: Sample[], exclusive = true) =>
  trainClassifier({ labels, exclusive, training, seed: 3, budget: 'fast', scratch });

describe('trainClassifier', () => {
  it('learns to tell unseen pictures apart, with the same file for the same seed', async () => {
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

    const model = await loadModel(file);
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

  it.each(['fast', 'balanced'] as const)('starts from a backbone (%s)', async (budget) => {
    const model = residualNetwork({ widths: [8, 16], labels: 12 }, random(4));
    const size = { inputSize: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
    const backbone = await openBackbone(encodeModel(randomHead(model)), { name: 'random', ...size });
    const options = {
      labels,
      exclusive: true,
      training: samples(30, 100),
      seed: 3,
      budget,
      scratch,
      backbone,
    };
    const classifier = await loadModel(await trainClassifier(options));
    const unseen = samples(20, 1000);
    const scores = await classifier.predict(await Promise.all(unseen.map((sample) => sample.load())));
    const right = scores.filter((row, i) => (row[1]! > row[0]! ? 1 : 0) === unseen[i]!.labels[0]);
    expect(right.length).toBeGreaterThanOrEqual(15);
    expect(classifier.info).toMatchObject({
      inputSize: 32,
      backbone: { name: 'random', checksum: backbone.checksum, fineTuned: expect.any(Boolean) },
    });
    await classifier.close();
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
    const classifier = await loadModel(trained);
    expect(classifier.info.backbone).toMatchObject({ name: 'mish', fineTuned: false });
    await classifier.close();
  });

  it('trains independent labels when they are not exclusive', async () => {
    const training = samples(24, 500).map((sample, i) => (i % 6 === 0 ? { ...sample, labels: [] } : sample));
    const model = await loadModel(await train(training, false));
    const [row] = await model.predict([await picture(0, 9)]);
    expect(model.info.exclusive).toBe(false);
    for (const score of row!) {
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThan(1);
    }
    await model.close();
  });

  it('stops at a picture that cannot be decoded, and leaves no files', async () => {
    const broken = { id: 'broken', labels: [0], load: async () => (await picture(0, 1)).subarray(0, 700) };
    await expect(train([...samples(4, 1), broken])).rejects.toMatchObject({
      name: 'ImageError',
      reason: 'broken',
    });
    expect(await readdir(scratch)).toEqual([]);
  });

  it('changes thresholds without touching the network', async () => {
    const file = await train(samples(4, 1));
    const changed = withThresholds(file, [0.25, 0.75]);
    const [before, after] = [await loadModel(file), await loadModel(changed)];
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
