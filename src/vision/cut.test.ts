import { describe, expect, it } from 'vitest';
import { after, dissect } from './cut.ts';
import { Executable } from './graph/executable.ts';
import { Graph, type Value } from './graph/graph.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { upTo } from './needed.ts';
import { residualNetwork } from './network.ts';
import { normal, random } from './random.ts';

const SHAPE = [2, 3, 32, 32];

/** A transformer of two blocks without attention, whose reshape takes the batch size from the shape of its input. */
function tokenNetwork(): OnnxModel {
  const next = random(3);
  const g = new Graph();
  const weights = (...shape: number[]) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 0.1 * normal(next));
    return g.constant({ type: 'float32', shape, data });
  };
  const image = g.input('image', SHAPE);
  const patches = g.op('Conv', [image, weights(8, 3, 8, 8)], { kernel_shape: [8, 8], strides: [8, 8] });
  let x: Value = g.transpose(g.reshape(patches, [2, 8, 16]), [0, 2, 1]);
  for (let block = 0; block < 2; block++) {
    const inner = g.op('Relu', [g.op('MatMul', [x, weights(8, 16)])]);
    x = g.op('Add', [x, g.op('MatMul', [inner, weights(16, 8)])]);
  }
  const pooled = g.op('ReduceMean', [x, g.ints([1])], { keepdims: 0 });
  const model = g.model({ logits: g.op('MatMul', [pooled, weights(8, 4)]) });
  const shape = model.nodes.find(({ type }) => type === 'Reshape')!.inputs[1]!;
  model.initializers.delete(shape);
  model.initializers.set('rest', { type: 'int64', shape: [2], data: BigInt64Array.of(8n, 16n) });
  return {
    ...model,
    nodes: [
      { type: 'Shape', inputs: ['image'], outputs: ['batch'], attributes: { end: 1 } },
      { type: 'Concat', inputs: ['batch', 'rest'], outputs: [shape], attributes: { axis: 0 } },
      ...model.nodes,
    ],
  };
}

async function run(model: OnnxModel, data: Float32Array, shape: readonly number[]) {
  const executable = await Executable.compile(encodeModel(model));
  const result = await executable.run({ [model.inputs[0]!.name]: { data, shape } });
  await executable.release();
  return result[model.outputs[0]!.name]!;
}

/** A fresh network ends in a layer of zeros, which would hide what comes before. */
function fillHead(model: OnnxModel): OnnxModel {
  const next = random(5);
  for (const { type, data } of model.initializers.values()) {
    if (type === 'float32' && data.every((v) => v === 0))
      (data as Float32Array).set(Float32Array.from({ length: data.length }, next));
  }
  return model;
}

describe.each([
  ['a residual network', fillHead(residualNetwork({ widths: [4, 8], labels: 4 }, random(1))), 2],
  ['tokens', tokenNetwork(), 2],
])('%s', (_name, model, blocks) => {
  it('is cut between blocks, and both parts together are the whole', async () => {
    const anatomy = await dissect(model, SHAPE);
    expect(anatomy.cuts.length).toBeGreaterThanOrEqual(blocks);
    const next = random(2);
    const image = Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => normal(next));
    const whole = await run(model, image, SHAPE);
    for (const cut of anatomy.cuts) {
      const middle = await run(upTo(cut.name, model), image, SHAPE);
      const parts = await run(after(model, cut, anatomy), middle, [2, ...cut.shape]);
      parts.forEach((value, i) => void expect(value).toBeCloseTo(whole[i]!, 4));
    }
  });

  it('knows how much work lies behind each cut', async () => {
    const { work, cuts } = await dissect(model, SHAPE);
    const behind = cuts.map(({ workAfter }) => workAfter);
    expect(behind).toEqual(behind.toSorted((a, b) => b - a));
    expect(behind[0]).toBeLessThanOrEqual(work);
    expect(behind.every((each) => each >= 0)).toBe(true);
  });
});

it('counts multiplications', async () => {
  const { multiplications, work } = await dissect(tokenNetwork(), SHAPE);
  expect(multiplications).toBe(16 * 8 * 192 + 2 * 2 * 16 * 8 * 16 + 8 * 4);
  expect(work).toBe(multiplications);
});

it('knows that convolutions in groups take longer to train', async () => {
  const g = new Graph();
  const kernel = g.constant({ type: 'float32', shape: [3, 1, 3, 3], data: new Float32Array(27) });
  const depthwise = g.op('Conv', [g.input('image', SHAPE), kernel], { group: 3 });
  const { multiplications, work } = await dissect(g.model({ features: depthwise }), SHAPE);
  expect(multiplications).toBe(3 * 30 * 30 * 9);
  expect(work).toBe(20 * multiplications);
});

it('knows that 3×3 convolutions of many channels take less to train', async () => {
  const g = new Graph();
  const kernel = g.constant({ type: 'float32', shape: [64, 64, 3, 3], data: new Float32Array(64 * 64 * 9) });
  const y = g.op('Conv', [g.input('image', [32, 64, 8, 8]), kernel], { pads: [1, 1, 1, 1] });
  const { multiplications, work } = await dissect(g.model({ features: y }), [32, 64, 8, 8]);
  expect(multiplications).toBe(64 * 64 * 9 * 64);
  expect(work).toBeLessThan(0.5 * multiplications);
});

it('shares the weights of the part that is trained', async () => {
  const model = tokenNetwork();
  const anatomy = await dissect(model, SHAPE);
  const part = after(model, anatomy.cuts[1]!, anatomy);
  const weights = [...part.initializers].filter(([, { type }]) => type === 'float32');
  expect(weights.length).toBeGreaterThan(0);
  for (const [name, tensor] of weights) expect(tensor.data).toBe(model.initializers.get(name)!.data);
});
