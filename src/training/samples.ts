import type { ObjectRef, ObjectStore } from '../objects/objects.ts';
import type { Sample } from '../vision/classifier.ts';
import { loadModel } from '../vision/model.ts';
import type { TrainingData } from './data.ts';
import { roundConfidence } from './evaluate.ts';
import { readAhead } from './images.ts';
import { labelSet, usableLines } from './labels.ts';
import type { SetLine } from './manifest-set.ts';

/** One image that is used, with its labels by name. */
export interface LabelledImage {
  /** `s3://bucket/key`. */
  url: string;
  labels: string[];
  place: ObjectRef;
}

/** The sets as an image-level model is trained and tested on them. */
export interface LabelledSets {
  /** The model's labels: those of the training set. */
  labels: string[];
  /** True when every training image has exactly one label. */
  exclusive: boolean;
  training: LabelledImage[];
  testing: LabelledImage[];
}

export function toLabelledSets({ training, testing }: TrainingData): LabelledSets {
  const used = (lines: SetLine[]) => usableLines(lines, 'IMAGE_LEVEL_LABELS').map(toLabelledImage);
  const images = used(training.lines);
  return {
    labels: labelSet(training.lines, 'IMAGE_LEVEL_LABELS'),
    exclusive: images.every((image) => image.labels.length === 1),
    training: images,
    testing: used(testing.lines),
  };
}

function toLabelledImage({ image, labels }: SetLine): LabelledImage {
  return { url: `s3://${image!.bucket}/${image!.key}`, labels, place: image! };
}

/** The images as the trainer takes them: read when needed, labels as numbers. Labels unknown to the model are left out. */
export function toSamples(images: LabelledImage[], labels: string[], objects: ObjectStore): Sample[] {
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const read = readAhead(
    images.map((image) => image.place),
    objects,
  );
  return images.map((image, index) => ({
    id: image.url,
    labels: image.labels.flatMap((label) => numbers.get(label) ?? []),
    load: () => read(index),
  }));
}

/** Images in memory at a time. */
const BATCH = 8;

/** Confidences `[images][labels]` of a model file, rounded as the result files have them. `onProgress`: 0–1. */
export async function scoreImages(
  modelFile: Uint8Array,
  samples: Sample[],
  onProgress: (fraction: number) => void,
): Promise<number[][]> {
  const model = await loadModel(modelFile);
  const scores: number[][] = [];
  try {
    for (let begin = 0; begin < samples.length; begin += BATCH) {
      const batch = samples.slice(begin, begin + BATCH);
      const predictions = await model.predict(await Promise.all(batch.map((sample) => sample.load())));
      scores.push(...predictions.map((prediction) => Array.from(prediction, roundConfidence)));
      onProgress(scores.length / samples.length);
    }
    return scores;
  } finally {
    await model.close();
  }
}
