import { describe, expect, it } from 'vitest';
import { type BackboneDescription, openBackbone } from './backbone.ts';
import { Executable } from './graph/executable.ts';
import { Graph, type Value } from './graph/graph.ts';
import { decodeModel, encodeModel, type OnnxNode, type TensorData } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';

const description: BackboneDescription = { name: 'tiny', inputSize: 16, mean: [0, 0, 0], std: [1, 1, 1] };

/** A file whose output is `build` of its input `[N, 3, 16, 16]`. */
function file(
  build: (g: Graph, x: Value) => Value,
  batch: 'N' | 1 = 'N',
  input: number[] = [3, 16, 16],
): Uint8Array {
  const g = new Graph();
  const x = g.input('pixels', [1, ...input]);
  const y = build(g, x);
  const shapes = { pixels: [batch, ...input], out: [batch, ...y.shape.slice(1)] };
  return encodeModel(g.model({ out: y }, shapes));
}

const tokens = (g: Graph, x: Value) => g.transpose(g.reshape(x, [0, 3, 256]), [0, 2, 1]);

async function features(file: Uint8Array, options: Partial<BackboneDescription> = {}): Promise<number[]> {
  const backbone = await openBackbone(file, { ...description, ...options });
  expect(backbone.width).toBe(3);
  const executable = await Executable.compile(encodeModel(backbone.model));
  const data = Float32Array.from(
    { length: 3 * 256 },
    (_, i) => Math.floor(i / 256) + (i % 256 === 0 ? 0.5 : 0),
  );
  const result = await executable.run({ image: { data, shape: [1, 3, 16, 16] } });
  await executable.release();
  return Array.from(result.features!);
}

describe('openBackbone', () => {
  const mean = [0, 1, 2].map((v) => v + 0.5 / 256);

  it.each([
    ['a map of features', file((g, x) => g.op('Relu', [x])), {}, mean],
    ['pooled features', file((g, x) => g.op('Flatten', [g.op('GlobalAveragePool', [x])])), {}, mean],
    ['tokens, the first of them', file(tokens), {}, [0.5, 1.5, 2.5]],
    ['tokens, their mean', file(tokens), { pool: 'mean' as const }, mean],
  ])('takes %s', async (_name, bytes, options, expected) => {
    const found = await features(bytes, options);
    found.forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 4));
  });

  it('reads weights in half precision behind a Cast as weights', async () => {
    const data = Float32Array.from({ length: 9 }, (_, i) => i / 8);
    const weight: TensorData = { type: 'float32', shape: [3, 3, 1, 1], data };
    const plain = decodeModel(
      file((g, x) => g.op('Conv', [x, g.constant(weight)], { kernel_shape: [1, 1] })),
    );
    const [conv, ...rest] = plain.nodes;
    const cast: OnnxNode = { type: 'Cast', inputs: ['half'], outputs: ['kernel'], attributes: { to: 1 } };
    const bytes = encodeModel({
      ...plain,
      nodes: [cast, { ...conv!, inputs: [conv!.inputs[0]!, 'kernel'] }, ...rest],
      initializers: new Map([['half', weight]]),
    });
    const { model } = await openBackbone(bytes, description);
    expect(model.nodes.map(({ type }) => type)).not.toContain('Cast');
    expect([...model.initializers]).toEqual([['backbone.kernel', weight]]);
    expect(weightNames(model)).toEqual(new Set(['backbone.kernel']));
    expect(await features(bytes)).toHaveLength(3);
  });

  it.each([
    ['text', Buffer.from('<html>not found</html>'), {}, 'not an ONNX model'],
    [
      'an output that is not there',
      file((g, x) => g.op('Relu', [x])),
      { output: 'pool' },
      'no output pool; it has out',
    ],
    ['a fixed batch', file((g, x) => g.op('Relu', [x]), 1), {}, 'batch size is fixed'],
    [
      'a reshape to a fixed batch',
      file((g, x) => g.reshape(x, [1, 3, 256])),
      {},
      'does not run on two pictures of 16 x 16',
    ],
    ['other channels', file((g, x) => g.op('Relu', [x]), 'N', [16, 16, 3]), {}, 'has 16 channels'],
    ['rows of numbers', file((g, x) => g.op('Relu', [x]), 'N', [768]), {}, 'takes float32 [N, 3, height'],
    [
      'another size',
      file((g, x) => g.op('Relu', [x])),
      { inputSize: 20 },
      'takes pictures of 16 x 16, and not of the inputSize 20',
    ],
    ['five dimensions', file((g, x) => g.reshape(x, [0, 3, 16, 4, 4])), {}, 'has 5 dimensions'],
  ])('refuses %s', (_name, bytes, options, message) =>
    expect(openBackbone(bytes, { ...description, ...options })).rejects.toThrow(message),
  );
});
