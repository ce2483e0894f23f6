import { mean } from './metrics.ts';

/** Logits of pictures with what they show: `[pictures, labels]` row by row, and the labels of each. */
export interface ScoredPictures {
  logits: Float32Array;
  labels: readonly (readonly number[])[];
  labelCount: number;
  exclusive: boolean;
}

/** Mean cross entropy of the pictures' logits divided by a temperature: softmax when labels are exclusive, else mean per label. */
export function logLoss({ logits, labels, labelCount, exclusive }: ScoredPictures, temperature = 1): number {
  const losses = labels.map((present, row) => {
    const z = logits.subarray(row * labelCount, (row + 1) * labelCount).map((v) => v / temperature);
    if (exclusive) {
      const highest = z.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = z.reduce((s, v) => s + Math.exp(v - highest), 0);
      return highest + Math.log(sum) - z[present[0]!]!;
    }
    return z.reduce((total, v, label) => {
      const softplus = Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
      return total + (softplus - (present.includes(label) ? v : 0)) / labelCount;
    }, 0);
  });
  return mean(losses);
}

/** How many pictures it takes to believe in a temperature far from 1: those of a handful are all right, or all wrong. */
const DOUBT = 8;

/**
 * The temperature that makes held-out logits tell their odds best (Guo et al. 2017), between 1/10 and 10, nearer to 1 where there
 * are few of them: golden-section search on its logarithm, in which the loss has one valley.
 */
export function fitTemperature(held: ScoredPictures): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(0.1), Math.log(10)];
  const loss = (t: number) => logLoss(held, Math.exp(t)) + (DOUBT * t * t) / held.labels.length;
  let [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [lossA, lossB] = [loss(a), loss(b)];
  while (high - low > 1e-3) {
    if (lossA < lossB) {
      [high, b, lossB] = [b, a, lossA];
      a = high - ratio * (high - low);
      lossA = loss(a);
    } else {
      [low, a, lossA] = [a, b, lossB];
      b = low + ratio * (high - low);
      lossB = loss(b);
    }
  }
  return Math.exp((low + high) / 2);
}

/**
 * Expected calibration error (Naeini et al. 2015): over 15 equal bins of confidence, the mean gap between confidence and
 * how often it is right, weighted by the bins' sizes. `scores` and `right` are per prediction.
 */
export function calibrationError(scores: readonly number[], right: readonly boolean[]): number {
  const bins = Array.from({ length: 15 }, () => ({ confidence: 0, right: 0 }));
  for (const [i, score] of scores.entries()) {
    const bin = bins[Math.min(14, Math.floor(score * 15))]!;
    bin.confidence += score;
    bin.right += Number(right[i]);
  }
  return (
    bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0) / Math.max(1, scores.length)
  );
}

/** {@link calibrationError} of pictures: of each one's likeliest label when labels are exclusive, else of every label of each. */
export function calibrationErrorOf(
  { logits, labels, labelCount, exclusive }: ScoredPictures,
  temperature: number,
): number {
  const scores: number[] = [];
  const right: boolean[] = [];
  for (const [row, present] of labels.entries()) {
    const z = logits.subarray(row * labelCount, (row + 1) * labelCount).map((v) => v / temperature);
    if (exclusive) {
      const top = z.indexOf(z.reduce((a, b) => Math.max(a, b), -Infinity));
      scores.push(1 / z.reduce((sum, v) => sum + Math.exp(v - z[top]!), 0));
      right.push(present.includes(top));
    } else {
      scores.push(...Array.from(z, (v) => 1 / (1 + Math.exp(-v))));
      right.push(...Array.from(z, (_, label) => present.includes(label)));
    }
  }
  return calibrationError(scores, right);
}
