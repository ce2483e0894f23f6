import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackbone } from './backbone.ts';
import { intersectionOverUnion, type LabelledBox } from './boxes.ts';
import { type DetectorSample, trainDetector } from './detector.ts';
import { TrainingError } from './error.ts';
import { encodeModel } from './graph/onnx.ts';
import { loadDetector } from './model.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';

const LABELS = ['disc', 'square'];
const SIZE = 96;
let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocellus-detector-'));
});
afterEach(() => rm(scratch, { recursive: true }));

/** Up to two shapes on dark noise, discs reddish and squares bluish; one picture in eight has none. */
const COLOURS = [Buffer.from([230, 130, 60]), Buffer.from([60, 130, 230])];

function sample(seed: number): DetectorSample {
  const next = random(seed);
  const boxes: LabelledBox[] = [];
  for (let i = 0; i < (seed % 8 === 0 ? 0 : 2); i++) {
    const side = 20 + Math.floor(next() * 24);
    const [left, top] = [0, 1].map(() => Math.floor(next() * (SIZE - side)));
    const box = { left: left! / SIZE, top: top! / SIZE, width: side / SIZE, height: side / SIZE };
    const free = boxes.every((other) => intersectionOverUnion(other, box) === 0);
    if (free) boxes.push({ ...box, label: Math.floor(next() * 2) });
  }
  const data = Buffer.from(Array.from({ length: SIZE * SIZE * 3 }, () => next() * 90));
  for (const { left, top, width, label } of boxes) {
    const [x0, y0, side] = [left, top, width].map((share) => Math.round(share * SIZE)) as [
      number,
      number,
      number,
    ];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [dx, dy] = [(2 * x + 1) / side - 1, (2 * y + 1) / side - 1];
        if (label === 0 && dx * dx + dy * dy >= 1) continue;
        COLOURS[label]!.copy(data, ((y0 + y) * SIZE + x0 + x) * 3);
      }
    }
  }
  const raw = { width: SIZE, height: SIZE, channels: 3 } as const;
  return { id: `${seed}`, boxes, load: () => sharp(data, { raw }).png().toBuffer() };
}

const samples = (count: number, from: number) => Array.from({ length: count }, (_, i) => sample(from + i));

describe('trainDetector', () => {
  it('finds unseen objects and tells them apart', async () => {
    const fractions: number[] = [];
    const validationLosses: number[] = [];
    const file = await trainDetector({
      labels: LABELS,
      training: samples(40, 1),
      seed: 3,
      budget: 'fast',
      scratch,
      onProgress: ({ fraction, validationLoss }) => {
        fractions.push(fraction);
        if (validationLoss !== undefined) validationLosses.push(validationLoss);
      },
    });
    expect(validationLosses).toHaveLength(3);
    expect(validationLosses[2]).toBeLessThan(validationLosses[0]!);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(await readdir(scratch)).toEqual([]);

    const model = await loadDetector(file);
    expect(model.info).toMatchObject({
      kind: 'detector',
      labels: LABELS,
      inputWidth: SIZE,
      inputHeight: SIZE,
      training: { losses: { scratch: validationLosses[2] } },
    });
    const unseen = samples(24, 1000);
    let [found, objects] = [0, 0];
    for (const { boxes, load } of unseen) {
      const [detections] = await model.detect([await load()]);
      for (const box of boxes) {
        objects++;
        const best = detections!.find((detection) => intersectionOverUnion(detection, box) >= 0.5);
        if (best?.label === box.label) found++;
      }
      for (const { left, top, width, height, score } of detections!) {
        expect(Math.min(left, top, width, height, score)).toBeGreaterThanOrEqual(0);
        expect(Math.max(left + width, top + height, score)).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
    await model.close();
    expect(found / objects).toBeGreaterThan(0.7);
  }, 300_000);

  it('refuses a set of which too much is broken, and leaves nothing behind', async () => {
    const broken = { id: 's3://bucket/broken.png', boxes: [], load: async () => Buffer.from('no image') };
    const training = [...samples(3, 1), broken];
    const options = { labels: LABELS, training, seed: 1, budget: 'fast', scratch } as const;
    await expect(trainDetector(options)).rejects.toThrow(TrainingError);
    await expect(trainDetector(options)).rejects.toThrow('s3://bucket/broken.png');
    expect(await readdir(scratch)).toEqual([]);
  });

  it('trains from fresh weights, and says so, where a backbone has no feature maps', async () => {
    const flat = residualNetwork({ widths: [8], labels: 4 }, random(1));
    const description = { name: 'flat', inputSize: 64, mean: [0, 0, 0], std: [1, 1, 1] };
    const notes: string[] = [];
    const broken = { id: 'x', boxes: [], load: async () => Buffer.from('no image') };
    const training = [...samples(1, 1), broken];
    const backbone = await openBackbone(encodeModel(flat), description);
    const onProgress = ({ note }: { note?: string }) => void (note && notes.push(note));
    const options = {
      labels: LABELS,
      training,
      seed: 1,
      budget: 'fast',
      scratch,
      backbone,
      onProgress,
    } as const;
    await expect(trainDetector(options)).rejects.toThrow(TrainingError);
    expect(notes).toEqual([expect.stringContaining('The backbone flat has no feature maps')]);
  });
});
