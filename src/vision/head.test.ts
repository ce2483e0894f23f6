import { describe, expect, it } from 'vitest';
import { fitHead, type Head, scoreHead, trainHead } from './head.ts';
import { HeadProblem, type LabelledFeatures } from './head-problem.ts';
import { normal, random } from './random.ts';
import { rowsOf } from './rows.ts';

/** Two views of each picture around its label's centre; `noise` is the spread of pictures. */
function clusters(labelCount: number, pictures: number, noise: number, seed: number) {
  const next = random(seed);
  const width = 12;
  const centres = Array.from({ length: labelCount * width }, () => normal(next));
  const rows = pictures * 2;
  const features = new Float32Array(rows * width);
  const labels = Array.from({ length: pictures }, (_, picture) => [picture % labelCount]);
  for (let picture = 0; picture < pictures; picture++) {
    const middle = Array.from({ length: width }, () => noise * normal(next));
    for (let view = 0; view < 2; view++) {
      const row = picture * 2 + view;
      for (let k = 0; k < width; k++) {
        // The last feature never varies, and all have another scale.
        const value = centres[labels[picture]![0]! * width + k]! + middle[k]! + 0.1 * normal(next);
        features[row * width + k] = k === width - 1 ? 3 : value * 10 ** (k % 4) + 5;
      }
    }
  }
  return { features: rowsOf(features, width), views: 2, labels, labelCount, exclusive: true };
}

async function accuracy(data: LabelledFeatures, head: Head): Promise<number> {
  const { labels, labelCount } = data;
  const logits = await scoreHead(head, data, Array.from(labels.keys()));
  const right = labels.filter(([label], i) => {
    const row = logits.subarray(i * labelCount, (i + 1) * labelCount);
    return row.indexOf(Math.max(...row)) === label;
  });
  return right.length / labels.length;
}

describe('trainHead', () => {
  it('separates clusters, on unseen pictures too', async () => {
    const head = await trainHead(clusters(4, 80, 0.3, 1), 5);
    const unseen = clusters(4, 80, 0.3, 1);
    expect(await accuracy(unseen, head)).toBeGreaterThan(0.97);
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
    expect(head.validation.logits).toHaveLength(both.length * 3);
    const sign = (row: number, label: number) => head.validation.logits[row * 3 + label]! > 0;
    const right = both.filter((labels, row) =>
      [0, 1, 2].every((label) => sign(row, label) === labels.includes(label)),
    );
    expect(right.length / both.length).toBeGreaterThan(0.95);
  });

  it('copes with a label of one picture and with fewer pictures than folds', async () => {
    const data = clusters(3, 3, 0.1, 6);
    const head = await trainHead(data, 1);
    expect(await accuracy(data, head)).toBe(1);
  });

  it.each([
    ['two labels of ten pictures', clusters(2, 20, 0.5, 7)],
    ['250 labels of two', clusters(250, 500, 0.2, 7)],
  ])('copes with %s', async (_name, data) => {
    expect(await accuracy(data, await trainHead(data, 1))).toBeGreaterThan(0.95);
  });

  it('finds the same head in one block in memory and in many that are read again and again', async () => {
    const data = clusters(3, 100, 2, 8);
    const importance = new Float32Array(100).fill(1);
    const solve = async (limits?: { rows: number; bytes: number }) => {
      const problem = await HeadProblem.create(data, limits);
      const solution = await problem.solve(importance, 1e-2);
      const logits = new Float32Array(100 * 3);
      const loss = await problem.loss(solution, importance, logits);
      await problem.release();
      return { solution, loss, logits };
    };
    const [whole, parts] = [await solve(), await solve({ rows: 64, bytes: 0 })];
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    parts.solution.forEach((value, i) => void expect(value).toBeCloseTo(whole.solution[i]!, 3));
    parts.logits.forEach((value, i) => void expect(value).toBeCloseTo(whole.logits[i]!, 2));
  });

  it('scores a picture by the mean of its first two views, in cross-validation as afterwards', async () => {
    const head = { weights: Float32Array.of(1, 0, 0, 1), bias: Float32Array.of(0.5, 0) };
    const labelling = { labels: [[0], [1]], labelCount: 2, exclusive: true };
    const rows = Float32Array.of(2, 4, 4, 8, 100, 100, 1, 1, 3, 5, 100, 100);
    const data: LabelledFeatures = { features: rowsOf(rows, 2), views: 3, ...labelling };
    expect(Array.from(await scoreHead(head, data, [1, 0]))).toEqual([2.5, 3, 3.5, 6]);

    const problem = await HeadProblem.create(data);
    const { mean, inverse } = problem.scale;
    const logits = new Float32Array(4);
    await problem.loss(Float64Array.of(1, 0, 0, 1, 0.5, 0), Float32Array.of(0, 1), logits);
    await problem.release();
    const expected = [0, 0, (2 - mean[0]!) * inverse[0]! + 0.5, (3 - mean[1]!) * inverse[1]!];
    logits.forEach((logit, i) => void expect(logit).toBeCloseTo(expected[i]!, 5));
  });

  it('chooses the strength for a large set on a part of it, and weakens it for the whole', async () => {
    const data = clusters(2, 5000, 1, 9);
    const head = await trainHead(data, 5);
    expect(head.validation.pictures).toHaveLength(4000);
    expect(head.validation.logits).toHaveLength(4000 * 2);
    const chosen = (head.regularization * 5000) / 4000;
    const steps = Math.log10(chosen / 1e-4) * 2;
    expect(Math.abs(steps - Math.round(steps))).toBeLessThan(0.05);
    expect(await accuracy(clusters(2, 600, 1, 9), head)).toBeGreaterThan(0.9);
  });

  it('finds rare labels as well as frequent ones, which raises the mean F1', async () => {
    const counts = [120, 60, 12, 6];
    const data = pick(clusters(4, 600, 3, 11), counts);
    const test = pick(clusters(4, 600, 3, 11), [60, 60, 60, 60], 70);
    const plain = await unweighted(data);
    const balanced = await fitHead(data, Array.from(data.labels.keys()), 1e-2);
    expect(await accuracy(test, balanced)).toBeGreaterThan((await accuracy(test, plain)) + 0.02);
  });

  it('finds rare labels where pictures have several', async () => {
    const several = { exclusive: false };
    const data = { ...pick(clusters(4, 600, 3, 11), [120, 60, 12, 6]), ...several };
    const test = { ...pick(clusters(4, 600, 3, 11), [60, 60, 60, 60], 70), ...several };
    const found = async (head: Head) => {
      const logits = await scoreHead(head, test, Array.from(test.labels.keys()));
      return test.labels.filter(([label], i) => label! >= 2 && logits[i * 4 + label!]! > 0).length;
    };
    const balanced = await fitHead(data, Array.from(data.labels.keys()), 1e-2);
    expect(await found(balanced)).toBeGreaterThan(1.3 * (await found(await unweighted(data))));
  });
});

/** The head of pictures that all count alike. */
async function unweighted(data: LabelledFeatures): Promise<Head> {
  const { width } = data.features;
  const problem = await HeadProblem.create(data);
  const { mean, inverse } = problem.scale;
  const found = await problem.solve(new Float32Array(data.labels.length).fill(1), 1e-2);
  await problem.release();
  const end = width * data.labelCount;
  return {
    weights: Float32Array.from(found.subarray(0, end), (v, i) => v * inverse[i % width]!),
    bias: Float32Array.from(found.subarray(end), (v, label) =>
      mean.reduce((bias, m, k) => bias - found[label * width + k]! * m * inverse[k]!, v),
    ),
  };
}

/** So many pictures of each label, from the place `from` on among those of its own. */
function pick(data: LabelledFeatures, counts: number[], from = 0): LabelledFeatures {
  const taken = counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => label + (from + i) * counts.length),
  );
  const { width } = data.features;
  return {
    ...data,
    labels: taken.map((i) => data.labels[i]!),
    features: {
      width,
      async read(start, count, target) {
        for (let row = 0; row < count; row++) {
          const at = start + row;
          const place = taken[Math.floor(at / data.views)]! * data.views + (at % data.views);
          await data.features.read(place, 1, target.subarray(row * width));
        }
      },
    },
  };
}
