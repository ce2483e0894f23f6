import { timestamp } from './evaluate.ts';

export const TRAINING = 'rekognition-custom-labels-training';
export const EVALUATION = 'rekognition-custom-labels-evaluation';

/**
 * True negatives fill a line up to this many predictions, the most confident ones first; a model of no more labels has
 * them all. Other predictions are always there.
 */
export const PREDICTIONS_PER_IMAGE = 50;

/** A label's name, assumed threshold, and confidence on one image. */
interface Prediction {
  label: string;
  confidence: number;
  predicted: boolean;
  present: boolean;
}

/** A line of the training snapshot: the image with its labels. JSON without line end. */
export function trainingLine(image: string, labels: readonly string[], date: Date): string {
  return JSON.stringify({ 'source-ref': image, ...groundTruth(labels, date) });
}

/**
 * A line of the test snapshot: the image with its labels and what the model says of it.
 *
 * @param labels ground truth, also labels that the model doesn't know
 * @param model the model's labels with their assumed thresholds
 * @param confidences of the model's labels, rounded as in the evaluation
 */
export function testingLine(
  image: string,
  labels: readonly string[],
  model: readonly { label: string; threshold: number }[],
  confidences: readonly number[],
  date: Date,
): string {
  const present = new Set(labels);
  const all = model.map(({ label, threshold }, index): Prediction => {
    const confidence = confidences[index]!;
    return { label, confidence, predicted: confidence >= threshold, present: present.has(label) };
  });
  const evaluated = shown(all).map((prediction, index) => evaluationAttribute(prediction, index, date));
  return JSON.stringify(Object.assign({ 'source-ref': image }, groundTruth(labels, date), ...evaluated));
}

function shown(all: Prediction[]): Prediction[] {
  const byConfidence = all.toSorted((a, b) => b.confidence - a.confidence);
  const isNegative = ({ predicted, present }: Prediction) => !predicted && !present;
  const room = PREDICTIONS_PER_IMAGE - byConfidence.filter((prediction) => !isNegative(prediction)).length;
  const negatives = new Set(byConfidence.filter(isNegative).slice(0, Math.max(0, room)));
  return byConfidence.filter((prediction) => !isNegative(prediction) || negatives.has(prediction));
}

function groundTruth(labels: readonly string[], date: Date): object {
  const attributes = labels.map((label, index) => ({
    [`${TRAINING}-${index}`]: 1,
    [`${TRAINING}-${index}-metadata`]: metadata(label, 1, 'yes', `${TRAINING}-job`, date),
  }));
  return Object.assign({}, ...attributes);
}

function evaluationAttribute(prediction: Prediction, index: number, date: Date): object {
  const { label, confidence, predicted, present } = prediction;
  return {
    [`${EVALUATION}-${index}`]: 1,
    [`${EVALUATION}-${index}-metadata`]: {
      ...metadata(label, confidence, 'no', `${EVALUATION}-job`, date),
      [`${EVALUATION}-details`]: evaluationDetails(predicted, present),
    },
  };
}

/** The outcome of one prediction: of the four exactly one is true. `predicted`: its confidence reaches the threshold. */
export function evaluationDetails(predicted: boolean, present: boolean): object {
  return {
    version: 1,
    'ground-truth-labelling-jobs': [`${TRAINING}-job`],
    'is-true-positive': predicted && present,
    'is-true-negative': !predicted && !present,
    'is-false-positive': predicted && !present,
    'is-false-negative': !predicted && present,
    'is-present-in-ground-truth': present,
  };
}

function metadata(label: string, confidence: number, human: 'yes' | 'no', job: string, date: Date): object {
  return {
    confidence,
    'job-name': job,
    'class-name': label,
    'human-annotated': human,
    'creation-date': timestamp(date),
    type: 'groundtruth/image-classification',
  };
}
