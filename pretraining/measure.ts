// Measures backbone files: time of one image through ONNX Runtime, and of one training step in the engine.
// Usage: node pretraining/measure.ts FOLDER [FAMILY …]   (FOLDER from python -m pretraining.export FOLDER)
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { differentiate } from '../src/vision/graph/differentiate.ts';
import { Executable, type Feed } from '../src/vision/graph/executable.ts';
import type { Value } from '../src/vision/graph/graph.ts';
import { decodeModel, encodeModel } from '../src/vision/graph/onnx.ts';
import { makeTrainable } from '../src/vision/graph/trainable.ts';

const RUNS = 30;
const BATCH = 16;

const noise = (shape: number[]): Feed => ({
  data: Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, Math.random),
  shape,
});

/** Milliseconds of each call, sorted. */
async function times(runs: number, call: () => Promise<unknown>): Promise<number[]> {
  const measured: number[] = [];
  for (let i = 0; i < runs; i++) {
    const begun = performance.now();
    await call();
    measured.push(performance.now() - begun);
  }
  return measured.sort((a, b) => a - b);
}

async function latency(file: Uint8Array, size: number) {
  const executable = await Executable.compile(file);
  const image = noise([1, 3, size, size]);
  const sorted = await times(RUNS, () => executable.run({ image }));
  await executable.release();
  return { best: sorted[0]!, median: sorted[RUNS >> 1]! };
}

/** Milliseconds per image of forward and backward through every layer, without the optimiser. */
async function trainingStep(file: Uint8Array, size: number): Promise<number> {
  const { graph, input, output, parameters } = await makeTrainable(decodeModel(file), [BATCH, 3, size, size]);
  const loss = graph.mul(graph.sum(graph.mul(output, output), [0, 1]), 1 / output.shape[1]!);
  const values: Value[] = parameters.map(({ value }) => value);
  const gradients = differentiate(graph, loss, values);
  const outputs = Object.fromEntries(gradients.map((gradient, i) => [`gradient${i}`, gradient]));
  const step = await Executable.compile(encodeModel(graph.model({ loss, ...outputs })));
  const weights = parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }] as const);
  const feeds = { ...Object.fromEntries<Feed>(weights), [input.name]: noise([BATCH, 3, size, size]) };
  const [best] = await times(6, () => step.run(feeds));
  await step.release();
  return best! / BATCH;
}

const [folder, ...chosen] = process.argv.slice(2);
if (!folder) throw new Error('Usage: node pretraining/measure.ts FOLDER [FAMILY …]');
for (const name of readdirSync(folder).filter((each) => each.endsWith('.onnx'))) {
  const family = basename(name, '.onnx');
  if (chosen.length > 0 && !chosen.includes(family)) continue;
  const file = readFileSync(join(folder, name));
  const { best, median } = await latency(file, 224);
  const small = await latency(file, 96);
  const step = await trainingStep(file, 96);
  const cells = [best, median, small.best, step].map((ms) => ms.toFixed(1));
  console.log(`| ${[family, (file.length / 1e6).toFixed(2), ...cells].join(' | ')} |`);
}
