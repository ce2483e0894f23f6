import { expect, it } from 'vitest';
import { type Box, intersectionOverUnion } from '../boxes.ts';
import { findFeatureMaps } from '../feature-maps.ts';
import { Executable } from '../graph/executable.ts';
import { foldBatchNorm } from '../graph/fold.ts';
import { encodeModel } from '../graph/onnx.ts';
import { residualNetwork } from '../network.ts';
import { random } from '../random.ts';
import { toPredictor } from './export.ts';
import { decodeBoxes } from './loss.ts';
import { freshHead, HEAD_PREFIX, placesOf, withDetector } from './pyramid.ts';

const INPUT = { width: 96, height: 64 };
const LABELS = 3;
const SUPPRESSION = 0.5;

/** A detector with random weights that scores about a half everywhere. */
async function network() {
  const next = random(4);
  const backbone = residualNetwork({ widths: [8, 8, 16, 16], labels: 1 }, next);
  const maps = (await findFeatureMaps(backbone))!;
  const weights = freshHead(maps, LABELS, next);
  for (const name of ['scores.kernel', 'scores.bias', 'distances.kernel', 'distances.bias']) {
    const { data } = weights.get(HEAD_PREFIX + name)!;
    for (let i = 0; i < data.length; i++) data[i] = 0.3 * (next() - 0.5);
  }
  return withDetector(backbone, maps, weights, [INPUT.height, INPUT.width]);
}

it('what the file predicts is what the predictions say after non-maximum suppression', async () => {
  const model = await network();
  const next = random(7);
  const shape = [1, 3, INPUT.height, INPUT.width];
  const image = { data: Float32Array.from({ length: 3 * INPUT.width * INPUT.height }, next), shape };
  const plain = await Executable.compile(encodeModel(foldBatchNorm(model)));
  const { predictions } = await plain.run({ image });
  const predictor = await Executable.compile(encodeModel(toPredictor(model, INPUT, SUPPRESSION)));
  const { detections } = await predictor.run({ image });

  const expected = suppress(predictions!);
  expect(expected.length).toBeGreaterThan(LABELS);
  const found = Array.from({ length: detections!.length / 6 }, (_, i) => detections!.slice(6 * i, 6 * i + 6));
  const byScore = found.sort((a, b) => b[4]! - a[4]!);
  expect(byScore.length).toBe(expected.length);
  byScore.forEach((row, i) => {
    const { left, top, width, height, score, label } = expected[i]!;
    const sides = [left, top, left + width, top + height, score, label];
    sides.forEach((value, k) => void expect(row[k]).toBeCloseTo(value, 3));
  });
});

/** Greedy, per label, best first; at most a hundred of a label. */
function suppress(predictions: Float32Array) {
  const places = placesOf(INPUT.height, INPUT.width);
  const count = places.x.length;
  const sides = decodeBoxes(predictions, places);
  return Array.from({ length: LABELS }, (_, label) => {
    const all = Array.from({ length: count }, (_, place) => {
      const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => sides[side * count + place]!);
      const box = { left: left!, top: top!, width: right! - left!, height: bottom! - top! };
      return { ...box, label, score: 1 / (1 + Math.exp(-predictions[(4 + label) * count + place]!)) };
    }).sort((a, b) => b.score - a.score);
    const kept: (Box & { label: number; score: number })[] = [];
    for (const box of all) {
      if (kept.length < 100 && kept.every((better) => intersectionOverUnion(better, box) <= SUPPRESSION))
        kept.push(box);
    }
    return kept;
  })
    .flat()
    .sort((a, b) => b.score - a.score);
}
