import { bestThreshold, confusionMatrix, countOutcomes, mean, quality } from '../vision/metrics.ts';

/** Threshold of a label that no test image has. */
export const DEFAULT_THRESHOLD = 0.5;

/** One label on the test set. */
export interface LabelEvaluation {
  label: string;
  testImages: number;
  precision: number;
  recall: number;
  f1: number;
  /** Assumed threshold, 0–1. */
  threshold: number;
}

export interface Evaluation {
  /** In the order of the model's labels. */
  labels: LabelEvaluation[];
  /** Plain means over the labels that have test images. */
  precision: number;
  recall: number;
  f1: number;
  /** `[ground truth][top prediction]`, shares of the ground truth's images; only of a model with exclusive labels. */
  confusion?: number[][];
  /** Mean average precision at an overlap of a half, and mean of the highest recalls; only of a detector. */
  averagePrecision?: number;
  averageRecall?: number;
}

/**
 * Confidences as the result files have them: five decimals. Thresholds and figures are computed from these, so that
 * whoever computes them again from the test snapshot gets the same.
 */
export function roundConfidence(score: number): number {
  return Math.round(score * 1e5) / 1e5;
}

/**
 * Sets each label's threshold where its F1 on the test set is best, and says how good the labels are there.
 *
 * @param scores `[images][labels]`, rounded confidences
 * @param truth label indices of each image
 */
export function evaluate(
  labels: readonly string[],
  exclusive: boolean,
  scores: readonly number[][],
  truth: readonly number[][],
): Evaluation {
  const results = labels.map((label, index): LabelEvaluation => {
    const present = truth.map((own) => own.includes(index));
    const ofLabel = scores.map((image) => image[index]!);
    const testImages = present.filter(Boolean).length;
    const best = bestThreshold(ofLabel, present);
    if (best === undefined) {
      return { label, testImages, precision: 0, recall: 0, f1: 0, threshold: DEFAULT_THRESHOLD };
    }
    const threshold = roundThreshold(best);
    return { label, testImages, ...quality(countOutcomes(ofLabel, present, threshold)), threshold };
  });
  return {
    ...summarize(results),
    ...(exclusive && { confusion: confusionMatrix(scores, truth, labels.length) }),
  };
}

/** Middles of five-decimal numbers have six decimals. */
export function roundThreshold(threshold: number): number {
  return Math.round(threshold * 1e6) / 1e6;
}

/** The labels with their means. */
export function summarize(
  labels: LabelEvaluation[],
): Pick<Evaluation, 'labels' | 'precision' | 'recall' | 'f1'> {
  const tested = labels.filter((result) => result.testImages > 0);
  return {
    labels,
    precision: mean(tested.map((result) => result.precision)),
    recall: mean(tested.map((result) => result.recall)),
    f1: mean(tested.map((result) => result.f1)),
  };
}

/** What the evaluation summary says besides the figures. */
export interface EvaluationDetails {
  projectVersionArn: string;
  endedAt: Date;
  trainingImages: number;
  testImages: number;
}

/** The evaluation summary file. */
export function evaluationSummary(evaluation: Evaluation, details: EvaluationDetails): object {
  const { labels, precision, recall, f1, confusion, averagePrecision, averageRecall } = evaluation;
  const bestFirst = labels.toSorted((a, b) => b.f1 - a.f1);
  return {
    Version: 1,
    EvaluationDetails: {
      ProjectVersionArn: details.projectVersionArn,
      EvaluationEndTimestamp: timestamp(details.endedAt),
      Labels: labels.map(({ label }) => label),
      NumberOfTrainingImages: details.trainingImages,
      NumberOfTestingImages: details.testImages,
    },
    AggregatedEvaluationResults: {
      Precision: precision,
      Recall: recall,
      F1Score: f1,
      ...(averagePrecision !== undefined && { AveragePrecision: averagePrecision }),
      ...(averageRecall !== undefined && { AverageRecall: averageRecall }),
      ...(confusion && { ConfusionMatrix: confusionCells(labels, confusion) }),
    },
    LabelEvaluationResults: bestFirst.map((result) => ({
      Label: result.label,
      NumberOfTestingImages: result.testImages,
      Metrics: {
        Precision: result.precision,
        Recall: result.recall,
        F1Score: result.f1,
        Threshold: result.threshold,
      },
    })),
  };
}

/** Pairs that don't occur are left out: readers take them for 0. */
function confusionCells(labels: LabelEvaluation[], confusion: number[][]): object[] {
  return confusion.flatMap((row, truth) =>
    row.flatMap((Value, predicted) =>
      Value > 0
        ? [{ GroundTruthLabel: labels[truth]!.label, PredictedLabel: labels[predicted]!.label, Value }]
        : [],
    ),
  );
}

/** ISO 8601 without zone, with microseconds, UTC. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000`;
}
