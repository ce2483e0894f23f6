import type { ObjectStore } from '../objects/objects.ts';
import type { Backbone } from '../vision/backbone.ts';
import type { Budget } from '../vision/budget.ts';
import type { TrainingProgress } from '../vision/classifier.ts';
import type { Evaluation } from './evaluate.ts';

/** What a training needs besides its data. */
export interface TrainingContext {
  objects: ObjectStore;
  seed: number;
  budget: Budget;
  /** What to start from; fresh weights when absent. */
  backbone: Backbone | undefined;
  /** A folder for temporary files. */
  scratch: string;
  /** Fractions are those of the training alone, 0–1. */
  onTraining(progress: TrainingProgress): void;
  /** Share of the test images that were looked at, 0–1. */
  onEvaluation(fraction: number): void;
}

/** A model with its evaluation on the test set: what a training of either kind comes to. */
export interface TrainedModel {
  /** ONNX file, the thresholds not set yet. */
  untuned: Uint8Array;
  evaluation: Evaluation;
  trainingImages: number;
  testImages: number;
  /** Lines of the training snapshot. `date`: when the evaluation ended. */
  trainingLines(date: Date): Iterable<string>;
  /** Lines of the test snapshot. */
  testingLines(date: Date): Iterable<string>;
}

/** Images in memory at a time. */
const BATCH = 8;

/** Calls `look` for the encoded images of all samples, a batch at a time, in order. `onProgress`: 0–1. */
export async function lookAt<T>(
  samples: readonly { load(): Promise<Uint8Array> }[],
  look: (images: Uint8Array[]) => Promise<T[]>,
  onProgress: (fraction: number) => void,
): Promise<T[]> {
  const results: T[] = [];
  for (let begin = 0; begin < samples.length; begin += BATCH) {
    const batch = samples.slice(begin, begin + BATCH);
    results.push(...(await look(await Promise.all(batch.map((sample) => sample.load())))));
    onProgress(results.length / samples.length);
  }
  return results;
}
