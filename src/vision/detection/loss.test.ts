import fc from 'fast-check';
import { expect, it } from 'vitest';
import { intersectionOverUnion } from '../boxes.ts';
import { random } from '../random.ts';
import { assignBatch, detectionLoss, generalisedOverlapLoss } from './loss.ts';
import { placesOf } from './pyramid.ts';

const side = fc.double({ min: 1, max: 60, noNaN: true });
const sides = fc
  .tuple(side, side, side, side)
  .map(([x, y, width, height]) => [x, y, x + width, y + height] as const);

it('the overlap loss is 0 for equal boxes, below 1 where they meet, and at most 2', () => {
  fc.assert(
    fc.property(sides, sides, (a, b) => {
      const { loss } = generalisedOverlapLoss(a, b);
      const box = ([left, top, right, bottom]: typeof a) => {
        return { left, top, width: right - left, height: bottom - top };
      };
      expect(generalisedOverlapLoss(a, a).loss).toBeCloseTo(0, 9);
      expect(loss).toBeGreaterThanOrEqual(1 - intersectionOverUnion(box(a), box(b)) - 1e-9);
      expect(loss).toBeLessThanOrEqual(2);
    }),
  );
});

it("the overlap loss's slopes are those of its values", () => {
  fc.assert(
    fc.property(sides, sides, (a, b) => {
      // Where two sides meet the slope jumps.
      fc.pre(a.every((value, i) => Math.abs(value - b[i]!) > 1e-3));
      fc.pre(Math.abs(Math.min(a[2], b[2]) - Math.max(a[0], b[0])) > 1e-3);
      fc.pre(Math.abs(Math.min(a[3], b[3]) - Math.max(a[1], b[1])) > 1e-3);
      const { slope } = generalisedOverlapLoss(a, b);
      a.forEach((_, i) => {
        const moved = (by: number) => a.map((value, k) => (k === i ? value + by : value));
        const rise =
          generalisedOverlapLoss(moved(1e-5), b).loss - generalisedOverlapLoss(moved(-1e-5), b).loss;
        expect(slope[i]).toBeCloseTo(rise / 2e-5, 4);
      });
    }),
  );
});

/** Places of a 64 × 64 input: 64 + 16 + 4. */
const PLACES = placesOf(64, 64);
const BOXES = [
  [
    { label: 0, left: 5, top: 9, width: 30, height: 22 },
    { label: 1, left: 20, top: 15, width: 40, height: 44 },
  ],
  [],
];

function predictions(labels: number): Float32Array {
  const next = random(3);
  return Float32Array.from({ length: 2 * (4 + labels) * PLACES.x.length }, () => next() - 0.5);
}

it('the gradient by the predictions is that of the loss with the same targets', () => {
  const labels = 2;
  const start = predictions(labels);
  const targets = assignBatch(start, labels, PLACES, BOXES);
  const { gradient } = detectionLoss(start, labels, PLACES, BOXES, targets);
  for (let i = 0; i < start.length; i += 3) {
    const at = (by: number) => {
      const moved = start.slice();
      moved[i]! += by;
      return detectionLoss(moved, labels, PLACES, BOXES, targets).total;
    };
    expect(gradient[i]).toBeCloseTo((at(1e-3) - at(-1e-3)) / 2e-3, 3);
  }
  expect(gradient.some((value) => value !== 0)).toBe(true);
});

it('pictures without boxes teach scores only', () => {
  const { gradient, box } = detectionLoss(predictions(2), 2, PLACES, [[], []]);
  const count = PLACES.x.length;
  expect(box).toBe(0);
  expect(gradient.subarray(0, 4 * count).every((value) => value === 0)).toBe(true);
  expect(gradient.subarray(4 * count, 6 * count).every((value) => value > 0)).toBe(true);
});
