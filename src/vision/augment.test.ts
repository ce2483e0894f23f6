import { describe, expect, it } from 'vitest';
import { randomView, wholeView } from './augment.ts';
import { random } from './random.ts';

const plain = { mean: [0, 0, 0], std: [1, 1, 1] };
const still = { minimumArea: 1, ratio: 1, light: 0, mirror: false };

/** A picture `[size, size, 3]` whose channels tell the column, the row and a constant. */
function gradient(size: number): Uint8Array {
  const pixels = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) pixels.set([x, y, 128], (y * size + x) * 3);
  return pixels;
}

describe('wholeView', () => {
  it('writes the picture as it is, or its mirror image', () => {
    const source = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const view = (mirrored: boolean) => {
      const target = new Float32Array(12);
      wholeView(source, target, 2, { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] }, mirrored);
      return Array.from(target, Math.round);
    };
    expect(view(false)).toEqual([1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12]);
    expect(view(true)).toEqual([4, 1, 10, 7, 5, 2, 11, 8, 6, 3, 12, 9]);
  });
});

describe('randomView', () => {
  it('without any randomness is the whole picture', () => {
    const source = gradient(16);
    const view = new Float32Array(3 * 16 * 16);
    const whole = new Float32Array(3 * 16 * 16);
    randomView(source, 16, view, 16, plain, still, random(1));
    wholeView(source, whole, 16, plain);
    view.forEach((value, i) => void expect(value).toBeCloseTo(whole[i]!, 5));
  });

  it('is the same for the same seed and differs for another', () => {
    const options = { minimumArea: 0.3, ratio: 4 / 3, light: 0.3, mirror: true };
    const view = (seed: number) => {
      const target = new Float32Array(3 * 8 * 8);
      randomView(gradient(16), 16, target, 8, plain, options, random(seed));
      return target;
    };
    expect(view(5)).toEqual(view(5));
    expect(view(5)).not.toEqual(view(6));
  });

  it('stays inside the picture whatever the crop', () => {
    const options = { minimumArea: 0.05, ratio: 3, light: 0, mirror: true };
    const next = random(3);
    const target = new Float32Array(3 * 8 * 8);
    for (let i = 0; i < 200; i++) {
      randomView(gradient(16), 16, target, 8, plain, options, next);
      for (const value of target) expect(value).toBeGreaterThanOrEqual(0);
      for (let k = 0; k < 64; k++) {
        expect(target[k]! * 255).toBeLessThanOrEqual(15.001);
        expect(target[128 + k]! * 255).toBeCloseTo(128, 3);
      }
    }
  });

  it('mirrors left and right about half the time', () => {
    const next = random(4);
    const target = new Float32Array(3 * 16 * 16);
    let mirrored = 0;
    for (let i = 0; i < 200; i++) {
      randomView(gradient(16), 16, target, 16, plain, { ...still, mirror: true }, next);
      if (target[0]! > target[15]!) mirrored++;
    }
    expect(mirrored).toBeGreaterThan(70);
    expect(mirrored).toBeLessThan(130);
  });
});
