import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestThreshold, confusionMatrix, countOutcomes, mean, quality, topPrediction } from './metrics.ts';

/** Images of one label: scores in steps, so that equal ones are common, and whether the label is true. */
const images = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 8 }).map((step) => step / 8),
    fc.boolean(),
  ),
  {
    minLength: 1,
    maxLength: 20,
  },
);

const f1At = (scores: number[], truth: boolean[], threshold: number) =>
  quality(countOutcomes(scores, truth, threshold)).f1;

describe('countOutcomes', () => {
  it('predicts at the threshold and above', () => {
    expect(countOutcomes([0.9, 0.5, 0.5, 0.4, 0.1], [true, true, false, true, false], 0.5)).toEqual({
      truePositives: 2,
      falsePositives: 1,
      falseNegatives: 1,
      trueNegatives: 1,
    });
  });
});

describe('quality', () => {
  it('is 0 where nothing was to divide by', () => {
    const zero = { precision: 0, recall: 0, f1: 0 };
    expect(quality({ truePositives: 0, falsePositives: 0, falseNegatives: 0 })).toEqual(zero);
    expect(quality({ truePositives: 0, falsePositives: 3, falseNegatives: 2 })).toEqual(zero);
  });

  it('agrees with 2 TP / (2 TP + FP + FN)', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.nat(50), (truePositives, falsePositives, falseNegatives) => {
        const { f1 } = quality({ truePositives, falsePositives, falseNegatives });
        const whole = 2 * truePositives + falsePositives + falseNegatives;
        expect(f1).toBeCloseTo(whole === 0 ? 0 : (2 * truePositives) / whole, 12);
      }),
    );
  });
});

describe('bestThreshold', () => {
  it('is as good as any other threshold, by trying them all', () => {
    fc.assert(
      fc.property(images, (set) => {
        const scores = set.map(([score]) => score);
        const truth = set.map(([, present]) => present);
        const best = bestThreshold(scores, truth);
        if (best === undefined) {
          expect(truth).not.toContain(true);
          return;
        }
        const all = Array.from({ length: 34 }, (_, i) => i / 32).map((t) => f1At(scores, truth, t));
        expect(f1At(scores, truth, best)).toBeCloseTo(Math.max(...all), 12);
        const predictions = (t: number) => scores.filter((score) => score >= t).length;
        for (const score of scores.filter((t) => predictions(t) < predictions(best))) {
          expect(f1At(scores, truth, score)).toBeLessThan(f1At(scores, truth, best) - 1e-9);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, number[], boolean[], number | undefined]>([
    ['lies in the middle of the gap', [0.9, 0.8, 0.2], [true, true, false], 0.5],
    ['goes half way to 0 when everything is predicted', [0.9, 0.8], [true, true], 0.4],
    ['is the highest of equally good ones', [0.9, 0.8, 0.7, 0.6], [true, false, false, true], 0.85],
    ['does not exist without a true image', [0.9, 0.1], [false, false], undefined],
    ['keeps equal scores together', [0.5, 0.5, 0.5], [true, false, true], 0.25],
    ['is 0 when only a score of 0 is true', [0.5, 0], [false, true], 0],
  ])('%s', (_, scores, truth, expected) => {
    const found = bestThreshold(scores, truth);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(expected, 12);
  });

  it('counts what has no score as missed at every threshold', () => {
    expect(bestThreshold([0.9, 0.8, 0.7, 0.6], [true, false, false, true])).toBeCloseTo(0.85, 12);
    expect(bestThreshold([0.9, 0.8, 0.7, 0.6], [true, false, false, true], 4)).toBeCloseTo(0.3, 12);
    expect(bestThreshold([0.9], [false], 4)).toBeUndefined();
  });

  it('never falls onto the lower one of two neighbouring numbers', () => {
    const low = 0.5;
    const high = 0.5 + 2 ** -53;
    expect(bestThreshold([high, low], [true, false])).toBeGreaterThan(low);
    expect(bestThreshold([high + 2 ** -53, low], [true, false])).toBeGreaterThan(low);
  });

  it('takes Float32Array', () => {
    expect(bestThreshold(new Float32Array([0.75, 0.25]), [true, false])).toBe(0.5);
  });
});

describe('confusionMatrix', () => {
  it('shares each ground truth out over the top predictions', () => {
    const scores = [
      [0.9, 0.1, 0],
      [0.6, 0.4, 0],
      [0.2, 0.7, 0.1],
      [0.1, 0.8, 0.1],
      [0.7, 0.2, 0.1],
    ];
    const truth = [[0], [1], [0], [1], [0, 1]];
    expect(confusionMatrix(scores, truth, 3)).toEqual([
      [2 / 3, 1 / 3, 0],
      [2 / 3, 1 / 3, 0],
      [0, 0, 0],
    ]);
  });

  it('has rows that add up to 1, or to 0 without images', () => {
    const image = fc.tuple(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      fc.nat(3),
    );
    fc.assert(
      fc.property(fc.array(image), (set) => {
        const matrix = confusionMatrix(
          set.map(([scores]) => scores),
          set.map(([, label]) => [label]),
          4,
        );
        matrix.forEach((row, label) => {
          const total = set.some(([, own]) => own === label) ? 1 : 0;
          expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(total, 9);
        });
      }),
    );
  });
});

it('topPrediction takes the first of equal scores', () => {
  expect(topPrediction([0.1, 0.4, 0.4])).toBe(1);
});

it('mean of nothing is 0', () => {
  expect([mean([]), mean([1, 2, 6])]).toEqual([0, 3]);
});
