import fc from 'fast-check';
import { expect, it } from 'vitest';
import { random } from '../random.ts';
import { differentiate } from './differentiate.ts';
import { Executable, type Feed } from './executable.ts';
import { Graph, sizeOf, type Value } from './graph.ts';
import { encodeModel, type OnnxModel, type TensorData } from './onnx.ts';
import { geometry } from './operators/convolution.ts';
import { makeTrainable } from './trainable.ts';
import { winograd } from './winograd.ts';

interface Layer {
  x: number[];
  w: number[];
  strides: number[];
  pads: number[];
  dilations?: number[];
  group?: number;
}

/** The result, and the gradients of a weighted sum of it by input and kernel. */
async function compute(
  { x, w, ...attributes }: Layer,
  build: (g: Graph, x: Value, w: Value, attributes: Omit<Layer, 'x' | 'w'>) => Value | undefined,
): Promise<Record<string, Float32Array> | undefined> {
  const g = new Graph();
  const next = random(1);
  const numbers = (shape: readonly number[]) =>
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * next() - 1);
  const inputs = [g.input('x', x), g.input('w', w)] as const;
  const y = build(g, ...inputs, attributes);
  if (!y) return undefined;
  const weights = g.constant({ type: 'float32', shape: [...y.shape], data: numbers(y.shape) });
  const loss = g.sum(g.mul(y, weights), [0, 1, 2, 3]);
  const [dx, dw] = differentiate(g, loss, inputs);
  const step = await Executable.compile(encodeModel(g.model({ y, dx: dx!, dw: dw! })));
  try {
    return await step.run({ x: { data: numbers(x), shape: x }, w: { data: numbers(w), shape: w } });
  } finally {
    await step.release();
  }
}

const direct = (layer: Layer) =>
  compute(layer, (g, x, w, attributes) => g.op('Conv', [x, w], { ...attributes }));
const byWinograd = (layer: Layer) =>
  compute(layer, (g, x, w, attributes) => winograd(g, x, w, geometry({ ...attributes })));

/** Largest difference, as a share of the largest number. */
function distance(a: Float32Array, b: Float32Array): number {
  const largest = (values: Float32Array) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return largest(a.map((v, i) => v - b[i]!)) / largest(b);
}

const layer = fc
  .record({
    n: fc.integer({ min: 1, max: 3 }),
    c: fc.integer({ min: 14, max: 20 }),
    o: fc.integer({ min: 14, max: 20 }),
    height: fc.integer({ min: 3, max: 13 }),
    width: fc.integer({ min: 3, max: 13 }),
    stride: fc.constantFrom(1, 2),
    pads: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 2 }))),
  })
  .map(({ n, c, o, height, width, stride, pads }): Layer => {
    return { x: [n, c, height, width], w: [o, c, 3, 3], strides: [stride, stride], pads };
  });

it('computes what a convolution does, and its gradients, at every size, stride and padding', async () => {
  let computed = 0;
  await fc.assert(
    fc.asyncProperty(layer, async (each) => {
      const found = await byWinograd(each);
      if (!found) return;
      computed++;
      const expected = (await direct(each))!;
      for (const name of ['y', 'dx', 'dw']) {
        expect(found[name]).toHaveLength(expected[name]!.length);
        expect(distance(found[name]!, expected[name]!)).toBeLessThan(1e-4);
      }
    }),
    { numRuns: 60, seed: 1 },
  );
  expect(computed).toBeGreaterThan(30);
});

it('leaves other kernels, and what it would not make cheaper, as they are', () => {
  const usual: Layer = { x: [1, 64, 8, 8], w: [64, 64, 3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  const others: Partial<Layer>[] = [
    { w: [64, 64, 1, 1] },
    { w: [64, 64, 5, 3] },
    { w: [64, 64, 7, 7] },
    { strides: [1, 2] },
    { strides: [3, 3] },
    { dilations: [2, 2] },
    { group: 64, w: [64, 1, 3, 3] },
    { x: [1, 3, 128, 128], w: [24, 3, 3, 3] },
    { x: [1, 24, 128, 128], w: [24, 24, 3, 3] },
  ];
  const isUsed = (change: Partial<Layer>) => {
    const { x, w, ...attributes } = { ...usual, ...change };
    const g = new Graph();
    return winograd(g, g.input('x', x), g.input('w', w), geometry(attributes)) !== undefined;
  };
  expect(isUsed({})).toBe(true);
  expect(isUsed({ strides: [2, 2] })).toBe(true);
  expect(others.map(isUsed)).toEqual(others.map(() => false));
});

it('takes the place of a trained convolution, with its bias', async () => {
  const next = random(2);
  const tensor = (shape: number[]): TensorData => ({
    type: 'float32',
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => 2 * next() - 1),
  });
  const attributes = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };
  const model: OnnxModel = {
    opset: 18,
    nodes: [{ type: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes }],
    initializers: new Map([
      ['w', tensor([16, 16, 3, 3])],
      ['b', tensor([16])],
    ]),
    inputs: [{ name: 'x', tensor: { type: 'float32', shape: [2, 16, 6, 5] } }],
    outputs: [{ name: 'y' }],
    metadata: {},
  };
  const x = tensor([2, 16, 6, 5]);
  const run = async (file: Uint8Array, feeds: Record<string, Feed>) => {
    const executable = await Executable.compile(file);
    const { y } = await executable.run(feeds);
    await executable.release();
    return y!;
  };
  const image = { x: { data: x.data as Float32Array, shape: x.shape } };
  const { graph, output, parameters } = await makeTrainable(model, x.shape);
  const feeds = parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }]);
  expect(graph.nodes.map(({ type }) => type)).not.toContain('Conv');
  const trained = await run(encodeModel(graph.model({ y: output })), {
    ...image,
    ...Object.fromEntries(feeds),
  });
  expect(distance(trained, await run(encodeModel(model), image))).toBeLessThan(1e-4);
});
