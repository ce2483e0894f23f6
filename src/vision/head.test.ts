import { describe, expect, it } from 'vitest';
import { type LabelledFeatures, trainHead } from './head.ts';
import { normal, random } from './random.ts';

/** Two views of each picture around its label's centre; `noise` is the spread of pictures. */
function clusters(labelCount: number, pictures: number, noise: number, seed: number): LabelledFeatures {
  const next = random(seed);
  const width = 12;
  const centres = Array.from({ length: labelCount * width }, () => normal(next));
  const rows = pictures * 2;
  const features = new Float32Array(rows * width);
  const labels = Array.from({ length: rows }, (_, row) => [Math.floor(row / 2) % labelCount]);
  for (let picture = 0; picture < pictures; picture++) {
    const middle = Array.from({ length: width }, () => noise * normal(next));
    for (let view = 0; view < 2; view++) {
      const row = picture * 2 + view;
      for (let k = 0; k < width; k++) {
        // The last feature never varies, and all have another scale.
        const value = centres[labels[row]![0]! * width + k]! + middle[k]! + 0.1 * normal(next);
        features[row * width + k] = k === width - 1 ? 3 : value * 10 ** (k % 4) + 5;
      }
    }
  }
  const groups = Uint32Array.from({ length: rows }, (_, row) => Math.floor(row / 2));
  return { features, width, labels, labelCount, exclusive: true, groups };
}

function accuracy(
  { features, width, labels }: LabelledFeatures,
  weights: Float32Array,
  bias: Float32Array,
): number {
  const right = labels.filter(([label], row) => {
    const logits = Array.from(bias, (b, c) => {
      let sum = b;
      for (let k = 0; k < width; k++) sum += weights[c * width + k]! * features[row * width + k]!;
      return sum;
    });
    return logits.indexOf(Math.max(...logits)) === label;
  });
  return right.length / labels.length;
}

describe('trainHead', () => {
  it('separates clusters, on unseen pictures too', async () => {
    const head = await trainHead(clusters(4, 80, 0.3, 1), 5);
    const unseen = clusters(4, 80, 0.3, 1);
    expect(accuracy(unseen, head.weights, head.bias)).toBeGreaterThan(0.97);
    expect(head.weights).toHaveLength(4 * 12);
    expect(head.weights.every(Number.isFinite)).toBe(true);
    expect(head.validationLoss).toBeLessThan(0.3);
  });

  it('regularises more where pictures say less', async () => {
    const clear = await trainHead(clusters(3, 60, 0.1, 2), 5);
    const noisy = await trainHead(clusters(3, 60, 3, 2), 5);
    expect(noisy.regularization).toBeGreaterThan(clear.regularization);
    expect(noisy.validationLoss).toBeGreaterThan(clear.validationLoss);
  });

  it('gives the same head for the same seed', async () => {
    const [a, b] = [await trainHead(clusters(3, 30, 1, 3), 7), await trainHead(clusters(3, 30, 1, 3), 7)];
    expect(a).toEqual(b);
  });

  it('trains each label by itself when they are not exclusive', async () => {
    const data = clusters(3, 60, 0.2, 4);
    // The third kind of picture has no label, the others have two of three.
    const both = data.labels.map(([label]) => (label === 2 ? [] : [label!, label! + 1]));
    const head = await trainHead({ ...data, labels: both, exclusive: false }, 5);
    expect(head.validationLogits).toHaveLength(both.length * 3);
    const sign = (row: number, label: number) => head.validationLogits[row * 3 + label]! > 0;
    const right = both.filter((labels, row) =>
      [0, 1, 2].every((label) => sign(row, label) === labels.includes(label)),
    );
    expect(right.length / both.length).toBeGreaterThan(0.95);
  });

  it('copes with a label of one picture and with fewer pictures than folds', async () => {
    const data = clusters(3, 3, 0.1, 6);
    const head = await trainHead(data, 1);
    expect(accuracy(data, head.weights, head.bias)).toBe(1);
  });
});
