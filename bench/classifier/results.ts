import type { Task } from './tasks.ts';

/** One contender's result on one task with one seed: a line of the results file. */
export interface Result {
  /** What the code was called when it was measured. */
  tag: string;
  task: string;
  contender: string;
  seed: number;
  /** Mean over the labels of F1 on the test images, 0–1. */
  macroF1: number;
  /** {@link logLoss} on the test images; lines from before it was measured lack it. */
  logLoss?: number;
  /** From image files to a trained model. */
  seconds: number;
  machine: string;
  /** Share of the processor that other programs took just before it began, 0–1. */
  busy: number;
  /** What there is to say of how it was made. */
  about?: object;
}

/**
 * Mean F1 over the labels for scores 0–1 `[images][labels]`: the best label counts where labels are exclusive, else every
 * label from 0.5 up. Every label has test images.
 */
export function macroF1({ labels, exclusive, testing }: Task, scores: number[][]): number {
  if (scores.length !== testing.length)
    throw new Error(`${scores.length} scores for ${testing.length} images`);
  const predicted = scores.map((row) => {
    if (row.length !== labels.length || !row.every(Number.isFinite)) throw new Error(`Scores are [${row}]`);
    if (exclusive) return [row.indexOf(Math.max(...row))];
    return row.flatMap((score, label) => (score >= 0.5 ? label : []));
  });
  const ofLabel = labels.map((_, label) => {
    const found = testing.map((picture, i) => [
      picture.labels.includes(label),
      predicted[i]!.includes(label),
    ]);
    const hits = found.filter(([truth, guess]) => truth && guess).length;
    const misses = found.filter(([truth, guess]) => truth !== guess).length;
    return (2 * hits) / (2 * hits + misses);
  });
  return ofLabel.reduce((a, b) => a + b) / labels.length;
}

/** No score is taken for less certain, or more, than this: confidences have three decimals of a per cent. */
const LEAST = 1e-5;

/**
 * Mean negative logarithm of the scores 0–1 `[images][labels]` of the truth: of an image's label where labels are
 * exclusive (its scores are made to add up to 1), else the mean over the labels, of being there or not. It varies less by
 * chance than {@link macroF1}.
 */
export function logLoss({ exclusive, testing }: Task, scores: number[][]): number {
  const lossOf = (score: number) => -Math.log(Math.max(LEAST, score));
  const losses = testing.flatMap((picture, i) => {
    const row = scores[i]!;
    if (!exclusive)
      return row.map((score, label) => lossOf(picture.labels.includes(label) ? score : 1 - score));
    return [lossOf(row[picture.labels[0]!]! / row.reduce((a, b) => a + b))];
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}
