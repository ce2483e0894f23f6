import type { ObjectStore } from '../objects/objects.ts';
import type { Backbone } from '../vision/backbone.ts';
import type { Budget } from '../vision/budget.ts';
import type { TrainingProgress } from '../vision/classifier.ts';
import { ImageError } from '../vision/image.ts';
import { describeLoss } from '../vision/usable.ts';
import type { Evaluation } from './evaluate.ts';

/** What a training needs besides its data. */
export interface TrainingContext {
  objects: ObjectStore;
  seed: number;
  budget: Budget;
  /** What to start from; fresh weights when absent. */
  backbone: Backbone | undefined;
  /** A folder for temporary files, and one that outlives an attempt. */
  scratch: string;
  checkpoints: string;
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

/** A test image. */
export interface TestSample {
  id: string;
  load(): Promise<Uint8Array>;
}

/**
 * Calls `look` for the encoded images of all samples, a batch at a time, in order. Images that have gone or broken since they
 * were checked have no result: a remark says so, and when they are more than a fifth TrainingError is thrown.
 */
export async function lookAt<T>(
  samples: readonly TestSample[],
  look: (images: Uint8Array[]) => Promise<T[]>,
  { onTraining, onEvaluation }: Pick<TrainingContext, 'onTraining' | 'onEvaluation'>,
): Promise<(T | undefined)[]> {
  const results: (T | ImageError)[] = [];
  for (let begin = 0; begin < samples.length; begin += BATCH) {
    results.push(...(await lookAtBatch(samples.slice(begin, begin + BATCH), look)));
    onEvaluation(results.length / samples.length);
  }
  const failures = results.flatMap((result, i) =>
    result instanceof ImageError ? [[i, result] as const] : [],
  );
  if (failures.length > 0) {
    onTraining({ stage: 'evaluating', fraction: 1, note: describeLoss(new Map(failures), samples, 'test') });
  }
  return results.map((result) => (result instanceof ImageError ? undefined : result));
}

async function lookAtBatch<T>(
  samples: readonly TestSample[],
  look: (images: Uint8Array[]) => Promise<T[]>,
): Promise<(T | ImageError)[]> {
  try {
    return await look(await Promise.all(samples.map((sample) => sample.load())));
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (samples.length === 1) return [error];
  }
  const results: (T | ImageError)[] = [];
  for (const sample of samples) results.push(...(await lookAtBatch([sample], look)));
  return results;
}
