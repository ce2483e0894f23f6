import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseTestImages } from './split.ts';

function countLabels(labels: readonly string[][], images: Iterable<number>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const image of images)
    for (const label of labels[image]!) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** `n` images of each label, one label each. */
const single = (...sizes: number[]) =>
  sizes.flatMap((n, label) => Array.from({ length: n }, () => [String.fromCharCode(97 + label)]));

const label = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');

describe('chooseTestImages', () => {
  it('takes 14 of 70 images, as the service was seen to do', () => {
    const labels = single(10, 10, 10, 10, 10, 10, 10);
    const test = chooseTestImages(labels, 0);
    expect(test).toHaveLength(14);
    expect([...countLabels(labels, test).values()]).toEqual([2, 2, 2, 2, 2, 2, 2]);
  });

  it('takes the same for the same seed and another one for another', () => {
    const labels = single(100, 50);
    expect(chooseTestImages(labels, 7)).toEqual(chooseTestImages(labels, 7));
    expect(chooseTestImages(labels, 7)).not.toEqual(chooseTestImages(labels, 8));
  });

  it('takes a fifth of every label, rounded, when images have one label', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }), fc.nat(), (sizes, seed) => {
        const labels = single(...sizes);
        const chosen = countLabels(labels, chooseTestImages(labels, seed));
        sizes.forEach((n, index) => {
          const expected = n < 2 ? 0 : Math.max(1, Math.round(n / 5));
          expect(chosen.get(String.fromCharCode(97 + index)) ?? 0).toBe(expected);
        });
      }),
    );
  });

  it('never takes the last training image of a label, whatever labels stand together', () => {
    const sets = fc.array(fc.uniqueArray(label, { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(sets, fc.nat(), (labels, seed) => {
        const test = chooseTestImages(labels, seed);
        expect(test).toEqual([...new Set(test)].sort((a, b) => a - b));
        const all = countLabels(labels, labels.keys());
        const chosen = countLabels(labels, test);
        for (const [name, n] of all) expect(n - (chosen.get(name) ?? 0)).toBeGreaterThan(0);
        // An image that could still go for a label without test images would have gone.
        for (const [name, n] of all) {
          if (n < 2 || chosen.has(name)) continue;
          const movable = labels.some(
            (own) =>
              own.some((other) => other === name) &&
              own.every((other) => (chosen.get(other) ?? 0) < all.get(other)! - 1),
          );
          expect(movable).toBe(false);
        }
      }),
    );
  });

  it('takes about a fifth of multi-label images', () => {
    const sets = fc.array(fc.uniqueArray(label, { minLength: 1, maxLength: 3 }), {
      minLength: 200,
      maxLength: 300,
    });
    fc.assert(
      fc.property(sets, fc.nat(), (labels, seed) => {
        const share = chooseTestImages(labels, seed).length / labels.length;
        expect(share).toBeGreaterThan(0.1);
        expect(share).toBeLessThan(0.3);
      }),
      { numRuns: 50 },
    );
  });

  it('gives a test image to labels that always stand together', () => {
    const labels = [['a', 'b'], ['a', 'b'], ['c'], ['c']];
    expect([...countLabels(labels, chooseTestImages(labels, 1)).keys()].sort()).toEqual(['a', 'b', 'c']);
  });
});
