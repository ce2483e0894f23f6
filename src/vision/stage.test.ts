import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Backbone } from './backbone.ts';
import { logLoss } from './calibration.ts';
import { residualNetwork } from './network.ts';
import { PixelFile } from './pixels.ts';
import { random } from './random.ts';
import { type Report, type Stage, type Tuning, trainStage, tryStage } from './stage.ts';
import { AUGMENT } from './tuning.ts';

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

function stage(): Stage {
  const network = residualNetwork({ widths: [4, 8], labels: 2 }, random(4));
  const views = { pixels: pixels.source, records: places, side: 64, normalization, augment: AUGMENT };
  return {
    name: 'fine-tuning',
    method: 'whole network',
    network,
    part: network,
    frozen: new Set(),
    views,
    count: 800,
  };
}

function tuning(checkpoints?: string): Tuning {
  const labels = places.map((i) => [i % 2]);
  const pictures = { pixels, records: places, labels, labelCount: 2, exclusive: true };
  const kept = places.filter((i) => !held.includes(i));
  const backbone = { inputSize: 64, normalization } as Backbone;
  return { backbone, pictures, held, kept, seed: 3, checkpoints };
}

it('a trial scores the pictures that were held out', async () => {
  const { scored, loss } = (await tryStage(stage(), tuning(), () => {}))!;
  expect(scored.logits).toHaveLength(2 * held.length);
  // The temperature that is fitted is no worse than none.
  expect(loss).toBeLessThanOrEqual(logLoss(scored));
  expect(scored.labels).toEqual(held.map((i) => [i % 2]));
});

it.each([
  ['trial', tryStage],
  ['training', trainStage],
])('a %s that is killed, early or late, goes on to the same weights', async (_, fitIt) => {
  const whole = stage();
  const fractions: number[] = [];
  await fitIt(whole, tuning(), ({ fraction }) => void fractions.push(fraction));
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);

  for (const share of [0.3, 0.8]) {
    const checkpoints = await mkdtemp(join(folder, 'checkpoints-'));
    const kill: Report = ({ fraction }) => {
      if (fraction > share) throw new Error('killed');
    };
    await expect(fitIt(stage(), tuning(checkpoints), kill)).rejects.toThrow('killed');
    const resumed = stage();
    const rest: number[] = [];
    await fitIt(resumed, tuning(checkpoints), ({ fraction }) => void rest.push(fraction));
    expect(rest[0]).toBeGreaterThan(share - 0.2);
    expect(resumed.network.initializers).toEqual(whole.network.initializers);
  }
});
