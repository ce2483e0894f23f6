import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fitNetwork, type Recipe } from './fit.ts';
import { sizeOf } from './graph/graph.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';
import { RowFile } from './rows.ts';

const SHAPE = [3, 16, 16];
const recipe: Recipe = {
  batch: 4,
  views: 40,
  mixing: 0,
  labelSmoothing: 0,
  learningRate: 1e-2,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.9,
};

let folder: string;
let rows: RowFile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-fit-'));
  rows = await RowFile.create(join(folder, 'rows'), sizeOf(SHAPE));
  const next = random(1);
  for (let i = 0; i < 8; i++)
    await rows.write(
      i,
      Float32Array.from({ length: rows.width }, () => 5 + next()),
    );
});
afterAll(async () => {
  await rows.remove();
  await rm(folder, { recursive: true });
});

/** Running means and variances of batch normalisations, by name. */
const statisticsOf = ({ nodes }: OnnxModel) =>
  nodes.filter(({ type }) => type === 'BatchNormalization').flatMap(({ inputs }) => inputs.slice(3));

it('keeps frozen weights and their statistics', async () => {
  const fresh = () => residualNetwork({ widths: [4, 8], labels: 2 }, random(5));
  const model = fresh();
  const head = model.nodes.at(-2)!.inputs[1]!;
  const labelling = {
    labels: Array.from({ length: 8 }, (_, i) => [i % 2]),
    labelCount: 2,
    exclusive: true,
  };
  const views = { rows: rows.source, records: labelling.labels.map((_, i) => i), each: 1, shape: SHAPE };
  await fitNetwork(model, views, labelling, recipe, 3, {
    onProgress: () => {},
    learningRateOf: (weight) => (weight === head ? 1 : 0),
  });
  const before = fresh().initializers;
  const changed = (name: string) =>
    !Buffer.from(model.initializers.get(name)!.data.buffer).equals(
      Buffer.from(before.get(name)!.data.buffer),
    );
  expect([...weightNames(model)].filter(changed)).toEqual([head]);
  const statistics = statisticsOf(model);
  expect(statistics.length).toBeGreaterThan(4);
  expect(statistics.filter(changed)).toEqual([]);
});
