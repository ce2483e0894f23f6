/** Outcomes of one label over a set of images. */
export interface Counts {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  trueNegatives: number;
}

/** Precision, recall and their harmonic mean, 0–1. */
export interface Quality {
  precision: number;
  recall: number;
  f1: number;
}

/** A label counts as predicted when its score is at or above the threshold. `scores` and `truth` run over images. */
export function countOutcomes(
  scores: ArrayLike<number>,
  truth: ArrayLike<boolean>,
  threshold: number,
): Counts {
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  for (let i = 0; i < scores.length; i++) {
    const predicted = scores[i]! >= threshold;
    if (truth[i]) counts[predicted ? 'truePositives' : 'falseNegatives']++;
    else counts[predicted ? 'falsePositives' : 'trueNegatives']++;
  }
  return counts;
}

/** Empty denominators give 0. */
export function quality({
  truePositives,
  falsePositives,
  falseNegatives,
}: Omit<Counts, 'trueNegatives'>): Quality {
  const precision = ratio(truePositives, truePositives + falsePositives);
  const recall = ratio(truePositives, truePositives + falseNegatives);
  return { precision, recall, f1: harmonicMean(precision, recall) };
}

export function harmonicMean(a: number, b: number): number {
  return ratio(2 * a * b, a + b);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * The threshold with the best F1, or undefined when the label is true nowhere. Every threshold between two
 * neighbouring distinct scores has the same F1, so the middle between them is returned (below the lowest score: the
 * middle between it and 0). Of equally good places the highest wins, which predicts least. Scores are 0–1.
 *
 * @param missed further cases where the label is true and that have no score, such as objects that weren't detected
 */
export function bestThreshold(
  scores: ArrayLike<number>,
  truth: ArrayLike<boolean>,
  missed = 0,
): number | undefined {
  const order = Array.from(scores, (_, image) => image).sort((a, b) => scores[b]! - scores[a]!);
  const found = order.filter((image) => truth[image]).length;
  if (found === 0) return undefined;
  const positives = found + missed;
  let best = { f1: -1, threshold: 0 };
  let truePositives = 0;
  order.forEach((image, rank) => {
    if (truth[image]) truePositives++;
    const score = scores[image]!;
    const next = rank + 1 < order.length ? scores[order[rank + 1]!]! : 0;
    if (next === score && rank + 1 < order.length) return;
    // 2PR / (P + R), written without divisions that could round two equal values apart.
    const f1 = (2 * truePositives) / (rank + 1 + positives);
    if (f1 > best.f1) best = { f1, threshold: between(next, score) };
  });
  return best.threshold;
}

/** The middle, but never the lower score itself, which would then be predicted too. */
function between(lower: number, higher: number): number {
  const middle = lower + (higher - lower) / 2;
  return middle > lower ? middle : higher;
}

export function mean(values: readonly number[]): number {
  return ratio(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );
}

/** Index of the highest score; the first of equal ones. */
export function topPrediction(scores: ArrayLike<number>): number {
  let top = 0;
  for (let label = 1; label < scores.length; label++) if (scores[label]! > scores[top]!) top = label;
  return top;
}

/**
 * `[truth][predicted]`: the share of the images with label `truth` whose top prediction is `predicted`. Rows of labels
 * without images are 0. `scores` is `[images][labels]`; `truth` lists each image's label indices.
 */
export function confusionMatrix(
  scores: readonly ArrayLike<number>[],
  truth: readonly (readonly number[])[],
  labels: number,
): number[][] {
  const counts = Array.from({ length: labels }, () => new Array<number>(labels).fill(0));
  const images = new Array<number>(labels).fill(0);
  scores.forEach((image, i) => {
    const predicted = topPrediction(image);
    for (const label of truth[i]!) {
      counts[label]![predicted]!++;
      images[label]!++;
    }
  });
  return counts.map((row, label) => row.map((count) => ratio(count, images[label]!)));
}
