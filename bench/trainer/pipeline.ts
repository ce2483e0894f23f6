// What of a training's time the engine waits for its input. Usage: node bench/trainer/pipeline.ts
// The same optimisation once with random views, made in a thread beside ONNX Runtime, and once
// with batches that are read as they are: the difference is what the engine waits, and what the views take from its processor time.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { fitNetwork, type Labelling } from '../../src/vision/fit.ts';
import { residualNetwork } from '../../src/vision/network.ts';
import { PixelFile } from '../../src/vision/pixels.ts';
import { random } from '../../src/vision/random.ts';
import { RowFile } from '../../src/vision/rows.ts';
import { openViews, shapeOf, type Views } from '../../src/vision/views.ts';

const PICTURES = 256;
const STEPS = 20;
const ROUNDS = 5;
const SIDE = 96;
const BATCH = 32;
const RECIPE = {
  batch: BATCH,
  views: STEPS * BATCH,
  mixing: 0,
  learningRate: 1e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  labelSmoothing: 0.05,
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.99,
};

const places = Array.from({ length: PICTURES }, (_, i) => i);
const labelling: Labelling = { labels: places.map((i) => [i % 4]), labelCount: 4, exclusive: true };

async function seconds(views: Views): Promise<number> {
  const network = residualNetwork({ widths: [48, 96, 192], labels: 4 }, random(1));
  let begun: number | undefined;
  await fitNetwork(network, views, labelling, RECIPE, 1, {
    onProgress: () => {
      begun ??= performance.now(); // the first ten steps warm up
    },
  });
  return (performance.now() - begun!) / 1000;
}

const scratch = await mkdtemp(join(tmpdir(), 'ocellus-pipeline-'));
const pixels = await PixelFile.create(join(scratch, 'pixels'), Math.round((SIDE * 8) / 7));
const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
const create = { width: 128, height: 128, channels: 3, background: '#806040', noise } as const;
const file = await sharp({ create }).jpeg().toBuffer();
for (const i of places) await pixels.store(i, file);
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const augment = { minimumArea: 0.5, ratio: 1.25, light: 0.2, mirror: true };
const real: Views = { pixels: pixels.source, records: places, side: SIDE, normalization, augment };

const view = new Float32Array(3 * SIDE * SIDE);
const open = await openViews(real);
const begun = performance.now();
for (let i = 0; i < 10 * BATCH; i++) await open.fill(i % PICTURES, view, Math.random);
const making = (performance.now() - begun) / 10;
await open.close();
const rows = await RowFile.create(join(scratch, 'rows'), view.length);
for (const i of places) await rows.write(i, view);
const ready: Views = { rows: rows.source, records: places, each: 1, shape: shapeOf(real) };

console.log(
  `${availableParallelism()} cores. A batch of ${BATCH} views of ${SIDE} pixels by itself: ${making.toFixed(0)} ms\n`,
);
console.log('| round | step with views | step without | share |\n| --- | --- | --- | --- |');
for (let round = 1; round <= ROUNDS; round++) {
  const [a, b] = [await seconds(real), await seconds(ready)].map((s) => (1000 * s) / (STEPS - 10));
  console.log(
    `| ${round} | ${a!.toFixed(0)} ms | ${b!.toFixed(0)} ms | ${((100 * (a! - b!)) / a!).toFixed(0)} % |`,
  );
}
await pixels.remove();
await rows.remove();
await rm(scratch, { recursive: true });
