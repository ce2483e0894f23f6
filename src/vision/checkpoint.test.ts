import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DetectionRecipe, type DetectorPictures, fitDetector } from './detection/fit.ts';
import { PictureFile } from './detection/pictures.ts';
import { freshHead, withDetector } from './detection/pyramid.ts';
import { findFeatureMaps } from './feature-maps.ts';
import { fitNetwork, type Labelling, type Recipe } from './fit.ts';
import { sizeOf } from './graph/graph.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';
import { RowFile } from './rows.ts';
import type { Views } from './views.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-checkpoint-'));
  path = join(folder, 'state');
});
afterEach(() => rm(folder, { recursive: true }));

const COMMON = {
  learningRate: 3e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.9,
};

/** As a process that is killed when so much is done: what was going to be done isn't. */
class Killed extends Error {}
const killAt = (share: number) => (fraction: number) => {
  if (fraction >= share) throw new Killed();
};

const numbers = ({ initializers }: OnnxModel) =>
  [...initializers.values()].flatMap(({ type, data }) => (type === 'float32' ? [data as Float32Array] : []));

describe('fitNetwork', () => {
  const COUNT = 24;
  const recipe: Recipe = { ...COMMON, batch: 4, views: 480, mixing: 0.3, labelSmoothing: 0.05 };
  const labels = Array.from({ length: COUNT }, (_, i) => [i % 2]);
  const labelling: Labelling = { labels, labelCount: 2, exclusive: true };
  const shape = [3, 16, 16];
  let rows: RowFile;
  let views: Views;
  /** Bright pictures and dark ones, of noise. */
  beforeEach(async () => {
    rows = await RowFile.create(join(folder, 'rows'), sizeOf(shape));
    const next = random(1);
    for (let i = 0; i < COUNT; i++) {
      await rows.write(
        i,
        Float32Array.from({ length: rows.width }, () => next() - (i % 2) * 0.5),
      );
    }
    views = { rows: rows.source, records: labels.map((_, i) => i), each: 1, shape };
  });
  afterEach(() => rows.remove());
  const fresh = () => residualNetwork({ widths: [4, 8], labels: 2 }, random(5));

  interface Options {
    seed?: number;
    checkpoint?: string;
    onFraction?: (fraction: number) => void;
  }

  /** 120 steps. */
  async function train({ seed = 7, checkpoint, onFraction = () => {} }: Options) {
    const model = fresh();
    const fractions: number[] = [];
    const onProgress = ({ fraction }: { fraction: number }) => {
      onFraction(fraction);
      fractions.push(fraction);
    };
    await fitNetwork(model, views, labelling, recipe, seed, {
      onProgress,
      ...(checkpoint && { checkpoint }),
    });
    return { model, fractions };
  }

  it.each([0.4, 0.8])('cut short at %s, goes on to the same weights', async (share) => {
    const whole = await train({});
    const killed = train({ checkpoint: path, onFraction: killAt(share) });
    await expect(killed).rejects.toThrow(Killed);
    const resumed = await train({ checkpoint: path });
    expect(resumed.fractions[0]).toBeGreaterThan(share - 0.1);
    expect(numbers(resumed.model)).toEqual(numbers(whole.model));
  });

  it('is not trained again when it had ended', async () => {
    const whole = await train({ checkpoint: path });
    const again = await train({ checkpoint: path });
    expect(again.fractions).toEqual([]);
    expect(numbers(again.model)).toEqual(numbers(whole.model));
  });

  it.each([
    ['another seed', () => train({ seed: 8, checkpoint: path })],
    ['no state', () => writeFile(path, 'torn')],
    ['nothing', () => writeFile(path, '')],
  ])('begins anew where the file holds %s', async (_, prepare) => {
    await prepare();
    const { fractions, model } = await train({ checkpoint: path });
    expect(fractions[0]).toBeLessThan(0.1);
    expect(numbers(model)).toEqual(numbers((await train({})).model));
  });

  it('leaves one file, whole, whenever it is cut short', async () => {
    await expect(train({ checkpoint: path, onFraction: killAt(0.5) })).rejects.toThrow(Killed);
    expect(await readdir(folder)).toEqual(['rows', 'state']);
  });
});

describe('fitDetector', () => {
  const COUNT = 12;
  const recipe: DetectionRecipe = {
    ...COMMON,
    batch: 2,
    views: 160,
    viewSize: 32,
    view: { scale: [0.8, 1.2], mosaic: { share: 0.5, scale: [0.4, 1.1] }, light: 0.2 },
    plain: 0.2,
  };
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

  async function train(pictures: DetectorPictures, checkpoint?: string, onFraction = (_: number) => {}) {
    const backbone = residualNetwork({ widths: [4, 4, 4, 4], labels: 1 }, random(5));
    const maps = (await findFeatureMaps(backbone))!;
    const model = withDetector(backbone, maps, freshHead(maps, 1, random(6)), [32, 32]);
    const fractions: number[] = [];
    const validationLoss = await fitDetector(
      model,
      pictures,
      normalization,
      recipe,
      7,
      ({ fraction }) => {
        onFraction(fraction);
        fractions.push(fraction);
      },
      () => 1,
      checkpoint,
    );
    return { model, fractions, validationLoss };
  }

  it.each([0.4, 0.8])('cut short at %s, goes on to the same weights and the same loss', async (share) => {
    const file = await PictureFile.create(join(folder, 'pictures'), 64);
    const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#505050' } })
      .composite([
        {
          input: { create: { width: 16, height: 16, channels: 3, background: '#f04020' } },
          left: 8,
          top: 20,
        },
      ])
      .png()
      .toBuffer();
    const box = { left: 8 / 64, top: 20 / 64, width: 16 / 64, height: 16 / 64, label: 0 };
    for (let i = 0; i < COUNT; i++) await file.store(i, image, [box]);
    const records = Array.from({ length: COUNT }, (_, i) => i);
    const pictures = { file, records, held: [0, 1], labelCount: 1 };
    const whole = await train(pictures);
    await expect(train(pictures, path, killAt(share))).rejects.toThrow(Killed);
    const resumed = await train(pictures, path);
    expect(resumed.fractions[0]).toBeGreaterThan(share - 0.15);
    expect(numbers(resumed.model)).toEqual(numbers(whole.model));
    expect(whole.validationLoss).toBeGreaterThan(0);
    expect(resumed.validationLoss).toBe(whole.validationLoss);
    await file.remove();
  });
});
