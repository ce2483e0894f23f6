import { describe, expect, it } from 'vitest';
import { calibrationError, calibrationErrorOf, fitTemperature, logLoss } from './calibration.ts';
import { normal, random } from './random.ts';

/** Pictures whose labels are drawn from the softmax of `logits / temperature`. */
function drawn(temperature: number) {
  const next = random(1);
  const labelCount = 3;
  const count = 4000;
  const logits = Float32Array.from({ length: count * labelCount }, () => 2 * normal(next));
  const labels = Array.from({ length: count }, (_, row) => {
    const odds = Array.from(logits.subarray(row * 3, row * 3 + 3), (v) => Math.exp(v / temperature));
    const place = next() * odds.reduce((a, b) => a + b);
    return [place < odds[0]! ? 0 : place < odds[0]! + odds[1]! ? 1 : 2];
  });
  return { logits, labels, labelCount, exclusive: true };
}

describe('fitTemperature', () => {
  it.each([0.5, 1, 2.5])('finds %s', (temperature) => {
    expect(fitTemperature(drawn(temperature)) / temperature).toBeCloseTo(1, 1);
  });

  it('works per label when they are not exclusive', () => {
    const logits = Float32Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? 10 : -10));
    const labels = Array.from({ length: 300 }, (_, i) => [i % 3 === 1 ? 1 : 0]);
    expect(fitTemperature({ logits, labels, labelCount: 2, exclusive: false })).toBeGreaterThan(5);
  });

  it('stays near 1 where a few pictures are all right', () => {
    const held = { logits: Float32Array.of(3, 0, 0, 3), labels: [[0], [1]], labelCount: 2, exclusive: true };
    expect(fitTemperature(held)).toBeGreaterThan(0.9);
    const many = Array.from({ length: 400 }, () => held);
    const logits = Float32Array.from(many.flatMap((each) => [...each.logits]));
    expect(fitTemperature({ ...held, logits, labels: many.flatMap((each) => each.labels) })).toBeLessThan(
      0.5,
    );
  });
});

it('logLoss is the mean cross entropy', () => {
  const logits = Float32Array.of(0, 0, Math.log(3), 0);
  const labels = [[0], [1]];
  expect(logLoss({ logits, labels, labelCount: 2, exclusive: true })).toBeCloseTo(
    (Math.log(2) + Math.log(4)) / 2,
    6,
  );
  const each = (Math.log(2) + Math.log(2) + Math.log(4) + Math.log(2)) / 4;
  expect(logLoss({ logits, labels, labelCount: 2, exclusive: false })).toBeCloseTo(each, 6);
});

it('calibrationError is the gap between confidence and being right', () => {
  expect(calibrationError([0.8, 0.8, 0.8, 0.8, 0.8], [true, true, true, true, false])).toBeCloseTo(0);
  expect(calibrationError([1, 1], [false, true])).toBeCloseTo(0.5);
  expect(calibrationError([], [])).toBe(0);
});

it.each([true, false])('calibrationErrorOf is small for odds that are true (exclusive: %s)', (exclusive) => {
  const scored = drawn(2);
  const labels = exclusive ? scored.labels : oneByOne(scored.logits, 2);
  expect(calibrationErrorOf({ ...scored, labels, exclusive }, 2)).toBeLessThan(0.03);
  expect(calibrationErrorOf({ ...scored, labels, exclusive }, 0.5)).toBeGreaterThan(0.1);
});

/** Labels that are each there with the odds of a sigmoid. */
function oneByOne(logits: Float32Array, temperature: number): number[][] {
  const next = random(2);
  return Array.from({ length: logits.length / 3 }, (_, row) =>
    [0, 1, 2].filter((label) => next() < 1 / (1 + Math.exp(-logits[row * 3 + label]! / temperature))),
  );
}
