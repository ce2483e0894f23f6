import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Backbone } from './backbone.ts';
import { residualNetwork } from './network.ts';
import { PixelFile } from './pixels.ts';
import { random } from './random.ts';
import { type Report, type Stage, tryStage } from './stage.ts';
import { AUGMENT } from './tuning.ts';
import type { RandomCrops } from './views.ts';

const COUNT = 48;
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const places = Array.from({ length: COUNT }, (_, i) => i);
const held = places.filter((i) => i % 6 === 0);

let folder: string;
let pixels: PixelFile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-stage-'));
  pixels = await PixelFile.create(join(folder, 'pixels'), 80);
  for (const i of places) {
    const background = { r: i, g: i % 2 === 0 ? 200 : 50, b: 100 };
    const create = { width: 80, height: 80, channels: 3 as const, background };
    await pixels.store(i, await sharp({ create }).png().toBuffer());
  }
});
afterAll(async () => {
  await pixels.remove();
  await rm(folder, { recursive: true });
});

const crops = (side: number): RandomCrops => ({
  pixels: pixels.source,
  records: places,
  side,
  normalization,
  augment: AUGMENT,
});

function stage(smallViews?: RandomCrops): Stage {
  const network = residualNetwork({ widths: [4, 8], labels: 2 }, random(4));
  const views = crops(64);
  return {
    name: 'fine-tuning',
    method: 'whole network',
    network,
    part: network,
    frozen: new Set(),
    adapts: false,
    views,
    ...(smallViews && { smallViews }),
    count: 1200,
  };
}

function tryOut(tried: Stage, checkpoints: string | undefined, onProgress: Report = () => {}) {
  const labels = places.map((i) => [i % 2]);
  const pictures = { pixels, records: places, labels, labelCount: 2, exclusive: true };
  const kept = places.filter((i) => !held.includes(i));
  const backbone = { inputSize: 64, normalization } as Backbone;
  return tryStage(tried, { backbone, pictures, held, kept, seed: 3, checkpoints }, onProgress);
}

it('a trial scores the pictures that were held out', async () => {
  const { scored, losses } = (await tryOut(stage(), undefined))!;
  expect(losses).toHaveLength(held.length);
  expect(scored.labels).toEqual(held.map((i) => [i % 2]));
});

it('a trial that begins with smaller crops, killed in either part, goes on to the same losses', async () => {
  const whole: number[] = [];
  const expected = await tryOut(stage(crops(32)), undefined, ({ fraction }) => void whole.push(fraction));
  expect(whole).toEqual(whole.toSorted((a, b) => a - b));
  expect(whole.at(-1)).toBe(1);

  for (const share of [0.3, 0.8]) {
    const checkpoints = await mkdtemp(join(folder, 'checkpoints-'));
    const kill: Report = ({ fraction }) => {
      if (fraction > share) throw new Error('killed');
    };
    await expect(tryOut(stage(crops(32)), checkpoints, kill)).rejects.toThrow('killed');
    const fractions: number[] = [];
    const resumed = await tryOut(
      stage(crops(32)),
      checkpoints,
      ({ fraction }) => void fractions.push(fraction),
    );
    expect(fractions[0]).toBeGreaterThan(share - 0.2);
    expect(resumed).toEqual(expected);
  }
});
