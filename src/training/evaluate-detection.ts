import {
  averagePrecision,
  type ExaminedPicture,
  maximumRecall,
  type Ranking,
  rankDetections,
} from '../vision/detection-metrics.ts';
import { bestThreshold, countOutcomes, mean, quality } from '../vision/metrics.ts';
import {
  DEFAULT_THRESHOLD,
  type Evaluation,
  type LabelEvaluation,
  roundThreshold,
  summarize,
} from './evaluate.ts';

/**
 * Sets each label's threshold where its F1 on the test set is best, and says how good the labels are there. What counts is
 * an object and not an image: see `matchDetections`. The mean average precision and the mean recall don't depend on
 * thresholds.
 *
 * @param pictures with rounded confidences as scores
 */
export function evaluateDetection(
  labels: readonly string[],
  pictures: readonly ExaminedPicture[],
): Evaluation {
  const rankings = rankDetections(pictures, labels.length);
  const results = rankings.map((ranking, index) => evaluateLabel(labels[index]!, ranking));
  const tested = rankings.filter(({ objects }) => objects > 0);
  return {
    ...summarize(results),
    averagePrecision: mean(tested.map(averagePrecision)),
    averageRecall: mean(tested.map(maximumRecall)),
  };
}

function evaluateLabel(label: string, { scores, correct, objects, pictures }: Ranking): LabelEvaluation {
  const undetected = objects - correct.filter(Boolean).length;
  const threshold = roundThreshold(bestThreshold(scores, correct, undetected) ?? DEFAULT_THRESHOLD);
  const counts = countOutcomes(scores, correct, threshold);
  const falseNegatives = counts.falseNegatives + undetected;
  return { label, testImages: pictures, ...quality({ ...counts, falseNegatives }), threshold };
}
