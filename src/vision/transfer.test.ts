import { describe, expect, it } from 'vitest';
import type { Cut } from './cut.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';
import { trialSideOf } from './transfer.ts';

describe('the crops of a trial', () => {
  const model = residualNetwork({ widths: [4, 8], labels: 2 }, random(1));
  const fine: Cut = { name: 'finest', shape: [2, 32, 32], workAfter: 1e8 };

  it.each([
    [128, 96],
    [224, 160],
    [96, 64],
    // The next smaller multiples of 32 are much smaller.
    [160, 160],
    [64, 64],
  ])('of a backbone of %d px have %d px', (inputSize, side) => {
    expect(trialSideOf({ model, inputSize }, { fine })).toBe(side);
  });

  it('are as large as any where the backbone has no finest maps', () => {
    expect(trialSideOf({ model, inputSize: 128 }, {})).toBe(128);
  });

  it.each([{ shape: ['N', 3, 128, 128] }, { shape: [] }])(
    'are as large as any where the file has an input of $shape',
    ({ shape }) => {
      const tensor = { type: 'float32' as const, shape };
      const closed = { ...model, inputs: [{ name: 'image', tensor }] };
      expect(trialSideOf({ model: closed, inputSize: 128 }, { fine })).toBe(128);
    },
  );
});
