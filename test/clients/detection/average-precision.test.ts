import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Detection, LabelledBox } from '../../../src/vision/boxes.ts';
import {
  averagePrecision,
  type ExaminedPicture,
  interpolatedPrecision,
  matchDetections,
  maximumRecall,
  rankDetections,
} from '../../../src/vision/detection-metrics.ts';
import { pythonTools } from '../python.ts';

// Our figures against those of pycocotools, on random boxes.

const LABELS = 3;
/** A power of two, so that shares of it are exact, and equal overlaps equal. */
const SIDE = 64;

interface Evaluation {
  recalls: number[];
  results: {
    matches: (number | null)[][];
    labels: ({ interpolated: number[]; averagePrecision: number; maximumRecall: number } | null)[];
  }[];
}

async function pycocotools(sets: ExaminedPicture[][]): Promise<Evaluation> {
  const program = join(import.meta.dirname, 'coco_evaluation.py');
  const child = spawn(join(await pythonTools(), 'python'), [program], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(sets.map((pictures) => ({ labels: LABELS, pictures }))));
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(errors);
  return JSON.parse(out);
}

const edge = fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 8 })).map(([start, length]) => ({
  start: start / SIDE,
  length: length / SIDE,
}));
/** Small boxes in a corner: crowded, and often overlapping by exactly the same. */
const box: fc.Arbitrary<LabelledBox> = fc
  .record({ label: fc.nat(LABELS - 1), x: edge, y: edge })
  .map(({ label, x, y }) => ({ label, left: x.start, top: y.start, width: x.length, height: y.length }));
/** Few different scores, so that equal ones are common, or any. */
const score = fc.oneof(
  fc.integer({ min: 1, max: 8 }).map((step) => step / 8),
  fc.double({ min: 0.001, max: 1, noNaN: true }),
);
const detection: fc.Arbitrary<Detection> = fc.tuple(box, score).map(([own, of]) => ({ ...own, score: of }));
const picture = fc.record({
  truth: fc.array(box, { maxLength: 10 }),
  detections: fc.array(detection, { maxLength: 25 }),
});
/** Detections that are mostly right: the objects moved a little. */
const goodPicture = fc
  .array(fc.tuple(box, score, fc.constantFrom(0, 1 / SIDE)), { maxLength: 10 })
  .map((found) => ({
    truth: found.map(([own]) => own),
    detections: found.map(([own, of, shift]) => ({ ...own, left: own.left + shift, score: of })),
  }));

test('matches, precisions, average precision and recall are those of pycocotools', async () => {
  const set = fc.array(fc.oneof(picture, goodPicture), { minLength: 1, maxLength: 8 });
  const sets = fc.sample(set, { numRuns: 400, seed: 1 });
  const { recalls, results } = await pycocotools(sets);
  let compared = 0;
  sets.forEach((pictures, index) => {
    const { matches, labels } = results[index]!;
    const ours = pictures.map((each) => matchDetections(each).map((object) => object ?? null));
    expect(ours).toEqual(matches);
    rankDetections(pictures, LABELS).forEach((ranking, label) => {
      const theirs = labels[label];
      expect(ranking.objects === 0).toBe(theirs === null);
      if (!theirs) return;
      compared++;
      expect(Math.abs(averagePrecision(ranking) - theirs.averagePrecision)).toBeLessThan(1e-6);
      expect(Math.abs(maximumRecall(ranking) - theirs.maximumRecall)).toBeLessThan(1e-6);
      interpolatedPrecision(ranking, recalls).forEach((precision, step) => {
        expect(Math.abs(precision - theirs.interpolated[step]!)).toBeLessThan(1e-6);
      });
    });
  });
  expect(compared).toBeGreaterThan(500);
});
