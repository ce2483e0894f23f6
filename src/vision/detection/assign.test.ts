import fc from 'fast-check';
import { expect, it } from 'vitest';
import { random } from '../random.ts';
import { assign } from './assign.ts';
import { decodeBoxes } from './loss.ts';
import { placesOf } from './pyramid.ts';

const PLACES = placesOf(96, 96);
const COUNT = PLACES.x.length;

const box = fc
  .record({
    label: fc.nat(1),
    left: fc.double({ min: 0, max: 90, noNaN: true }),
    top: fc.double({ min: 0, max: 90, noNaN: true }),
    width: fc.double({ min: 3, max: 96, noNaN: true }),
    height: fc.double({ min: 3, max: 96, noNaN: true }),
  })
  .map(({ left, top, width, height, label }) => {
    return { label, left, top, width: Math.min(width, 96 - left), height: Math.min(height, 96 - top) };
  });

const target = (boxes: Parameters<typeof assign>[0], seed: number) => {
  const next = random(seed);
  const logits = Float32Array.from({ length: 2 * COUNT }, () => 4 * next() - 2);
  const distances = Float32Array.from({ length: 4 * COUNT }, () => 2 * next());
  return assign(boxes, decodeBoxes(distances, PLACES), logits, PLACES);
};

it('places learn boxes that they lie in, at most ten per box, with scores of 0 to 1', () => {
  fc.assert(
    fc.property(fc.array(box, { maxLength: 8 }), fc.nat(), (boxes, seed) => {
      const { box: chosen, score } = target(boxes, seed);
      boxes.forEach(({ left, top, width, height }, index) => {
        const places = [...chosen.keys()].filter((place) => chosen[place] === index);
        expect(places.length).toBeLessThanOrEqual(10);
        if (places.length === 1) return;
        for (const place of places) {
          expect(PLACES.x[place]).toBeGreaterThan(left);
          expect(PLACES.x[place]).toBeLessThan(left + width);
          expect(PLACES.y[place]).toBeGreaterThan(top);
          expect(PLACES.y[place]).toBeLessThan(top + height);
        }
      });
      expect(
        score.every((value, place) => value >= 0 && value <= 1 && (chosen[place]! >= 0 || value === 0)),
      ).toBe(true);
    }),
  );
});

it('a box alone always has a place, however small it is', () => {
  fc.assert(
    fc.property(box, fc.nat(), (only, seed) => {
      expect(target([only], seed).box.some((index) => index === 0)).toBe(true);
    }),
  );
});

it('no boxes, no targets', () => {
  const { box: chosen, score } = target([], 1);
  expect(chosen.every((index) => index === -1)).toBe(true);
  expect(score.every((value) => value === 0)).toBe(true);
});
