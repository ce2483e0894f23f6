import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection, LabelledBox } from './boxes.ts';
import {
  averagePrecision,
  type ExaminedPicture,
  interpolatedPrecision,
  matchDetections,
  maximumRecall,
  rankDetections,
} from './detection-metrics.ts';

/** Label, left, top, width, height in 64ths of the picture, which are exact; then the score. */
type TestBox = [number, number, number, number, number];
type TestDetection = [...TestBox, number];

const toBox = ([label, left, top, width, height]: TestBox | TestDetection): LabelledBox => {
  return { label, left: left / 64, top: top / 64, width: width / 64, height: height / 64 };
};
const toPicture = ([truth, detections]: [TestBox[], TestDetection[]]): ExaminedPicture => ({
  truth: truth.map(toBox),
  detections: detections.map((each) => ({ ...toBox(each), score: each[5] })),
});

interface Case {
  pictures: [TestBox[], TestDetection[]][];
  matches: (number | undefined)[][];
  /** By label: average precision, mean of the precisions at 101 recalls, highest recall. */
  figures: ([number, number, number] | undefined)[];
}
const none = undefined;

/** What pycocotools says of them (COCOeval at an overlap of 0.5; `test/clients/detection` compares many more). */
const CASES: Record<string, Case> = {
  'one object found, one missed': {
    pictures: [
      [
        [
          [0, 0, 0, 8, 8],
          [0, 20, 20, 8, 8],
        ],
        [[0, 0, 0, 8, 8, 0.9]],
      ],
    ],
    matches: [[0]],
    figures: [[0.5, 0.504950495, 0.5], none],
  },
  'two detections of one object: the worse one is wrong': {
    pictures: [
      [
        [
          [0, 0, 0, 8, 8],
          [0, 30, 30, 8, 8],
        ],
        [
          [0, 0, 0, 8, 8, 0.9],
          [0, 0, 1, 8, 8, 0.8],
          [0, 30, 30, 8, 8, 0.7],
        ],
      ],
    ],
    matches: [[0, none, 1]],
    figures: [[0.833333333, 0.834983498, 1], none],
  },
  'an overlap of exactly a half': {
    pictures: [[[[0, 0, 0, 8, 8]], [[0, 0, 0, 8, 4, 0.5]]]],
    matches: [[0]],
    figures: [[1, 1, 1], none],
  },
  'an overlap of less than a half': {
    pictures: [[[[0, 0, 0, 8, 8]], [[0, 0, 0, 8, 3, 0.5]]]],
    matches: [[none]],
    figures: [[0, 0, 0], none],
  },
  'the best detection chooses first, of equal objects the last': {
    pictures: [
      [
        [
          [0, 0, 0, 8, 8],
          [0, 0, 2, 8, 8],
        ],
        [
          [0, 0, 2, 8, 8, 0.6],
          [0, 0, 1, 8, 8, 0.9],
        ],
      ],
    ],
    matches: [[0, 1]],
    figures: [[1, 1, 1], none],
  },
  'labels by themselves': {
    pictures: [
      [
        [
          [0, 0, 0, 8, 8],
          [1, 0, 0, 8, 8],
        ],
        [
          [1, 0, 0, 8, 8, 0.9],
          [0, 40, 40, 8, 8, 0.8],
          [0, 0, 0, 8, 8, 0.7],
        ],
      ],
    ],
    matches: [[1, none, 0]],
    figures: [
      [0.5, 0.5, 1],
      [1, 1, 1],
    ],
  },
  'wrong detections on pictures without objects': {
    pictures: [
      [[], [[0, 0, 0, 8, 8, 0.95]]],
      [[[0, 0, 0, 8, 8]], [[0, 0, 0, 8, 8, 0.9]]],
      [
        [
          [0, 8, 8, 16, 16],
          [0, 40, 8, 16, 16],
        ],
        [
          [0, 8, 9, 16, 16, 0.6],
          [0, 40, 20, 16, 16, 0.97],
          [0, 41, 8, 16, 16, 0.2],
        ],
      ],
    ],
    matches: [[none], [0], [0, none, 1]],
    figures: [[0.6, 0.6, 1], none],
  },
  'equal scores in the order they come': {
    pictures: [
      [
        [
          [0, 0, 0, 8, 8],
          [0, 16, 0, 8, 8],
          [0, 32, 0, 8, 8],
        ],
        [
          [0, 0, 0, 8, 8, 0.5],
          [0, 48, 0, 8, 8, 0.5],
          [0, 16, 0, 8, 8, 0.5],
          [0, 0, 30, 8, 8, 0.5],
          [0, 32, 0, 8, 8, 0.25],
        ],
      ],
    ],
    matches: [[0, none, 1, none, 2]],
    figures: [[0.755555555, 0.756435643, 1], none],
  },
  'nothing found': {
    pictures: [[[[0, 0, 0, 8, 8]], []]],
    matches: [[]],
    figures: [[0, 0, 0], none],
  },
};

describe.each(Object.entries(CASES))('%s', (_, { pictures, matches, figures }) => {
  const examined = pictures.map(toPicture);
  const rankings = rankDetections(examined, 2);

  it('is matched as pycocotools does it', () => {
    expect(examined.map(matchDetections)).toEqual(matches);
  });

  it('has the figures of pycocotools', () => {
    const recalls = Array.from({ length: 101 }, (_, step) => step / 100);
    rankings.forEach((ranking, label) => {
      const [area, sampled, recall] = figures[label] ?? [0, 0, 0];
      expect(ranking.objects > 0).toBe(figures[label] !== undefined);
      expect(averagePrecision(ranking)).toBeCloseTo(area, 6);
      expect(maximumRecall(ranking)).toBeCloseTo(recall, 6);
      if (!figures[label]) return;
      const precisions = interpolatedPrecision(ranking, recalls);
      expect(precisions.reduce((sum, value) => sum + value, 0) / 101).toBeCloseTo(sampled, 6);
    });
  });
});

it('pictures with objects are counted once, objects each', () => {
  const truth = [toBox([1, 0, 0, 8, 8]), toBox([1, 20, 0, 8, 8]), toBox([0, 0, 0, 8, 8])];
  const [first, second] = rankDetections(
    [
      { truth, detections: [] },
      { truth: [truth[1]!], detections: [] },
    ],
    2,
  );
  expect(first).toMatchObject({ objects: 1, pictures: 1 });
  expect(second).toMatchObject({ objects: 3, pictures: 2 });
});

const share = fc.integer({ min: 0, max: 6 }).map((step) => step / 8);
const side = fc.integer({ min: 1, max: 4 }).map((step) => step / 8);
const box = fc.record({ label: fc.nat(1), left: share, top: share, width: side, height: side });
const detection: fc.Arbitrary<Detection> = fc
  .tuple(box, fc.integer({ min: 1, max: 5 }))
  .map(([own, score]) => ({ ...own, score: score / 5 }));
const picture = fc.record({
  truth: fc.array(box, { maxLength: 6 }),
  detections: fc.array(detection, { maxLength: 8 }),
});

it('an object is found once at most, and a longer list of detections changes nothing for the better ones', () => {
  fc.assert(
    fc.property(picture, fc.integer({ min: 1, max: 5 }), ({ truth, detections }, limit) => {
      const matches = matchDetections({ truth, detections });
      const found = matches.filter((match) => match !== undefined);
      expect(new Set(found).size).toBe(found.length);
      const good = detections.flatMap((each, i) => (each.score >= limit / 5 ? [i] : []));
      const alone = matchDetections({ truth, detections: good.map((i) => detections[i]!) });
      expect(alone).toEqual(good.map((i) => matches[i]));
    }),
  );
});

it('average precision lies between 0 and the highest recall, and is 1 for a perfect detector', () => {
  fc.assert(
    fc.property(fc.array(picture), (set) => {
      for (const ranking of rankDetections(set, 2)) {
        expect(averagePrecision(ranking)).toBeLessThanOrEqual(maximumRecall(ranking) + 1e-12);
      }
      const perfect = set.map(({ truth }) => ({
        truth,
        detections: truth.map((own) => ({ ...own, score: 1 })),
      }));
      for (const ranking of rankDetections(perfect, 2)) {
        expect(averagePrecision(ranking)).toBeCloseTo(ranking.objects > 0 ? 1 : 0, 12);
      }
    }),
  );
});
