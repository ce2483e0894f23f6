import { expect, it } from 'vitest';
import { colourMatrix } from './colours.ts';

const apply = (matrix: number[], colour: number[]) =>
  [0, 1, 2].map((row) => colour.reduce((sum, value, k) => sum + matrix[3 * row + k]! * value, 0));

const expectClose = (found: number[], wanted: number[]) =>
  found.forEach((value, i) => void expect(value).toBeCloseTo(wanted[i]!, 10));

it('changes nothing where nothing is asked for', () => {
  expectClose(colourMatrix(1, 0), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
});

it.each([
  [0.3, 0.2],
  [1.7, -0.4],
])('keeps greys (saturation %s, hue %s)', (saturation, hue) => {
  expectClose(apply(colourMatrix(saturation, hue), [0.4, 0.4, 0.4]), [0.4, 0.4, 0.4]);
});

it('takes all colour away', () => {
  const [red, green, blue] = apply(colourMatrix(0, 0), [0.9, 0.1, 0.5]);
  expectClose([green!, blue!], [red!, red!]);
});

it('turns red into green and green into blue by a third of a turn', () => {
  expectClose(apply(colourMatrix(1, 1 / 3), [1, 0, 0]), [0, 1, 0]);
  expectClose(apply(colourMatrix(1, 1 / 3), [0, 1, 0]), [0, 0, 1]);
});
