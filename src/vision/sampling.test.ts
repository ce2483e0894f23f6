import { describe, expect, it } from 'vitest';
import { random } from './random.ts';
import { balance, drawing } from './sampling.ts';

const labels = [[0], [0], [0], [0], [0], [0], [0], [0], [1], [1], [0, 2], []];

describe('balance', () => {
  it.each([
    [0, 1, 1, 1],
    [0.5, 1, Math.sqrt(9 / 2), 3],
    [1, 1, 4.5, 9],
  ])('%s', (balancing, frequent, rare, rarest) => {
    const counts = balance(labels, balancing);
    expect(counts.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => frequent));
    expect(counts.slice(8)).toEqual([rare, rare, rarest, 1]);
  });
});

describe('drawing', () => {
  it('shows every picture before any again', () => {
    const draw = drawing([2, 5, 7], labels, 0, random(1));
    const drawn = Array.from({ length: 9 }, draw);
    for (const round of [0, 3, 6]) expect(drawn.slice(round, round + 3).toSorted()).toEqual([2, 5, 7]);
  });

  it('shows pictures as often as they count', () => {
    const all = Array.from(labels.keys());
    const draw = drawing(all, labels, 0.5, random(1));
    const times = labels.map(() => 0);
    const counts = balance(labels, 0.5);
    const rounds = 500;
    for (let i = 0; i < rounds * counts.reduce((a, b) => a + b); i++) times[draw()]! += 1;
    times.forEach((count, i) => void expect(count / rounds).toBeCloseTo(counts[i]!, 0));
  });
});
