import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProgressPoint } from './progress.ts';
import { secondsLeft } from './time-left.ts';

/** Reports of a training that began at 0: seconds and fraction. */
const points = (pairs: [number, number][]): ProgressPoint[] =>
  pairs.map(([seconds, fraction]) => ({ time: seconds * 1000, fraction, stage: 'training', attempt: 1 }));
/** A report per second, from one second and fraction to others. */
const even = (from: number, begin: number, to: number, end: number): [number, number][] =>
  Array.from({ length: to - from }, (_, i) => [
    from + i + 1,
    begin + ((i + 1) / (to - from)) * (end - begin),
  ]);
const left = (pairs: [number, number][], now: number) => secondsLeft(points(pairs), 0, now * 1000);

test('at an even pace', () => expect(left(even(0, 0, 40, 0.4), 40)).toBeCloseTo(60));

test('nothing before a pace can be seen', () => {
  expect(left([], 100)).toBeUndefined();
  expect(left([[1, 0.2]], 2)).toBeUndefined();
  expect(left([[1, 0.001]], 50)).toBeUndefined();
  expect(left([[1, 0]], 50)).toBeUndefined();
});

test('a stage of another pace counts for itself', () => {
  // A tenth per second at first, then a thousandth: 100 seconds later 0.8 are left.
  expect(left([...even(0, 0, 1, 0.1), ...even(1, 0.1, 101, 0.2)], 101)).toBeCloseTo(800, -1);
});

test('a jump over a stage that was left out does not make it faster', () => {
  expect(left([...even(0, 0, 40, 0.2), ...even(40, 0.5, 44, 0.52)], 44)).toBeCloseTo(96, -1);
});

test('a short halt does not make it slower, a long one does', () => {
  const pairs = even(0, 0, 60, 0.6);
  expect(left(pairs, 62)).toBeCloseTo(40, -1);
  const later = left(pairs, 75);
  expect(later).toBeGreaterThan(60);
  expect(left(pairs, 500)).toBeUndefined();
});

test('rare reports', () => {
  expect(
    left(
      [
        [100, 0.25],
        [200, 0.5],
      ],
      201,
    ),
  ).toBeGreaterThan(100);
});

test('never negative, and a number or nothing', () => {
  const reports = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.double({ min: 0, max: 0.1, noNaN: true })),
  );
  fc.assert(
    fc.property(reports, fc.nat(100_000), (steps, wait) => {
      let [time, fraction] = [0, 0];
      const made = steps.map(([milliseconds, part]) => {
        time += milliseconds;
        fraction = Math.min(1, fraction + part);
        return { time, fraction, stage: 'training', attempt: 1 };
      });
      const seconds = secondsLeft(made, 0, time + wait);
      expect(seconds === undefined || (Number.isFinite(seconds) && seconds >= 0)).toBe(true);
    }),
  );
});
