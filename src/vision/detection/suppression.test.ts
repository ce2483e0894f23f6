import { expect, it } from 'vitest';
import { chooseSuppression } from './suppression.ts';

const box = (left: number, label = 0) => ({ label, left, top: 0, width: 0.1, height: 0.1 });
/** Two boxes of one label that overlap by a share of their union. */
const pair = (overlap: number) => [box(0), box((0.1 * (1 - overlap)) / (1 + overlap))];

it('objects that lie apart allow little overlap', () => {
  expect(chooseSuppression([])).toBe(0.3);
  expect(chooseSuppression([[box(0), box(0.5)], [box(0.2)], []])).toBe(0.3);
});

it('crowded objects allow more, up to a limit', () => {
  expect(chooseSuppression(Array(10).fill(pair(0.35)))).toBeCloseTo(0.45, 5);
  expect(chooseSuppression(Array(10).fill(pair(0.9)))).toBe(0.6);
});

it('a few crowded objects, and those of different labels, do not count', () => {
  const apart = Array(99).fill([box(0), box(0.5)]);
  expect(chooseSuppression([...apart, pair(0.5)])).toBe(0.3);
  expect(chooseSuppression([[box(0), box(0.01, 1)]])).toBe(0.3);
});
