import { describe, expect, it } from 'vitest';
import type { Cut } from './cut.ts';
import { Graph } from './graph/graph.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';
import { anatomyOf, isPromising, leavesNothing, smallSideOf } from './transfer.ts';

describe('the crops that fine-tuning begins with', () => {
  const model = residualNetwork({ widths: [4, 8], labels: 2 }, random(1));
  const fine: Cut = { name: 'finest', shape: [2, 32, 32], workAfter: 1e8 };

  it.each([
    [128, 96],
    [224, 160],
    [96, 64],
    // The next smaller multiples of 32 are much smaller.
    [160, 160],
    [64, 64],
  ])('of a backbone of %d px have %d px', async (inputSize, side) => {
    expect(await smallSideOf({ model, inputSize }, { fine })).toBe(side);
  });

  it('are as large as any where the backbone has no finest maps', async () => {
    expect(await smallSideOf({ model, inputSize: 128 }, {})).toBe(128);
  });

  it.each([{ shape: ['N', 3, 128, 128] }, { shape: [] }])(
    'are as large as any where the file has an input of $shape',
    async ({ shape }) => {
      const tensor = { type: 'float32' as const, shape };
      const closed = { ...model, inputs: [{ name: 'image', tensor }] };
      expect(await smallSideOf({ model: closed, inputSize: 128 }, { fine })).toBe(128);
    },
  );

  it('are as large as any where the file says that it takes other sizes, and does not', async () => {
    const g = new Graph();
    const zeros = (...shape: number[]) =>
      g.constant({ type: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
    const image = g.input('image', [1, 3, 128, 128]);
    const maps = g.op('Conv', [image, zeros(4, 3, 32, 32)], { kernel_shape: [32, 32], strides: [32, 32] });
    // Without a pooling, the last layer fits one size alone.
    const features = g.op('Gemm', [g.op('Flatten', [maps], { axis: 1 }), zeros(64, 8)], { transB: 0 });
    const rigid = g.model({ features }, { image: ['N', 3, 'H', 'W'], features: ['N', 8] });
    expect(await smallSideOf({ model: rigid, inputSize: 128 }, { fine })).toBe(128);
  });
});

it.each([
  ['balanced', true],
  ['best', false],
] as const)('the finest maps of a network are kept by %s: %s', async (budget, keeps) => {
  const model = residualNetwork({ widths: [8, 16, 32, 64], labels: 2 }, random(1));
  const anatomy = await anatomyOf({ model, inputSize: 128 }, budget);
  expect(anatomy!.cuts.length).toBeGreaterThan(0);
  expect(anatomy!.fine !== undefined).toBe(keeps);
});

it.each([
  ['as good as the head, with all that it lacks', 0.5, true],
  ['a little worse', 0.57, true],
  ['much worse', 0.65, false],
])('a trial that is %s promises a better network: %s, %s', (_case, trial, promises) => {
  expect(isPromising(trial, 0.5)).toBe(promises);
});

it.each([
  [0.02, true, true],
  [0.05, true, false],
  // A mean over the labels: ten times as much per picture.
  [0.02, false, false],
  [0.002, false, true],
])(
  'a head with a loss of %s (exclusive labels: %s) leaves nothing to fine-tune: %s',
  (loss, exclusive, nothing) => {
    expect(leavesNothing(loss, { exclusive, labelCount: 10 })).toBe(nothing);
  },
);
