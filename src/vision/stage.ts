import { join } from 'node:path';
import type { Backbone } from './backbone.ts';
import { fitTemperature, logLoss, type ScoredPictures } from './calibration.ts';
import type { TrainingProgress } from './classifier.ts';
import { outputsOfLooks } from './features.ts';
import { DivergenceError, fitNetwork, type Pictures } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { withMirrorImages } from './mirror.ts';
import type { Method } from './record.ts';
import { RECIPE, rateOf } from './tuning.ts';
import type { Views } from './views.ts';

/** Views of a trial, as a share of those of the training that may follow. */
const TRIAL = 0.35;

/** One step of fine-tuning. */
export interface Stage {
  /** As users read it. */
  name: string;
  method: Method;
  /** From `image` to `logits`, trained in place. */
  network: OnnxModel;
  /** What of it is run in training: the network, or its end, which shares its weights. */
  part: OnnxModel;
  /** Weights that stay as they are. */
  frozen: ReadonlySet<string>;
  views: Views;
  /** Views to show in the training. */
  count: number;
}

/** What the tries of a stage have in common. */
export interface Tuning {
  backbone: Backbone;
  pictures: Pictures;
  /** Places of the pictures that are held out to compare a stage with the head. */
  held: readonly number[];
  /** Places of those that a stage is tried with. */
  kept: readonly number[];
  seed: number;
  /** A folder from which a stage that was cut short goes on. */
  checkpoints: string | undefined;
}

/** What was held out, as a stage scores it. */
export interface Tried {
  scored: ScoredPictures;
  /** Mean of a picture, at the best temperature. */
  loss: number;
}

export type Report = (progress: TrainingProgress) => void;

/** Reports a part of what is done as the fractions between two. */
export function between(from: number, to: number, onProgress: Report): Report {
  return (progress) => onProgress({ ...progress, fraction: from + progress.fraction * (to - from) });
}

/**
 * Trains a stage with fewer views on the pictures that are kept, and scores it on those that are held out. Undefined when it
 * diverges. `onProgress`: fractions of that.
 */
export async function tryStage(stage: Stage, tuning: Tuning, onProgress: Report): Promise<Tried | undefined> {
  const trial = { ...stage, count: TRIAL * stage.count };
  if (!(await fitStage(trial, tuning, tuning.kept, 'trial', onProgress))) return undefined;
  const scored = await score(stage.network, tuning.backbone, tuning.pictures, tuning.held);
  return { scored, loss: logLoss(scored, fitTemperature(scored)) };
}

/** Trains a stage with all of its views on all pictures. False when it diverges. */
export async function trainStage(stage: Stage, tuning: Tuning, onProgress: Report): Promise<boolean> {
  const all = tuning.pictures.labels.map((_, i) => i);
  return await fitStage(stage, { ...tuning, seed: tuning.seed + 1 }, all, 'training', onProgress);
}

async function fitStage(
  { name, part, frozen, views, count }: Stage,
  { pictures, seed, checkpoints }: Tuning,
  places: readonly number[],
  file: string,
  onProgress: Report,
): Promise<boolean> {
  const shown = { ...views, records: places.map((i) => views.records[i]!) };
  const labelling = { ...pictures, labels: places.map((i) => pictures.labels[i]!) };
  try {
    await fitNetwork(part, shown, labelling, { ...RECIPE, views: count }, seed, {
      onProgress: (progress) => onProgress({ stage: name, ...progress }),
      learningRateOf: (weight) => (frozen.has(weight) ? 0 : rateOf(weight)),
      checkpoint: checkpoints && join(checkpoints, file),
    });
    return true;
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    const note = `The model was not fine-tuned further. ${error.message}`;
    onProgress({ stage: name, fraction: 1, note });
    return false;
  }
}

/** Logits of pictures and their mirror images. */
async function score(
  network: OnnxModel,
  { inputSize: side, normalization }: Backbone,
  { pixels, records, labels, labelCount, exclusive }: Pictures,
  held: readonly number[],
): Promise<ScoredPictures> {
  const shown = { pixels: pixels.source, records: held.map((i) => records[i]!), side, normalization };
  const predictor = withMirrorImages(foldBatchNorm(network), labelCount);
  const logits = await outputsOfLooks(predictor, shown, labelCount);
  return { logits, labels: held.map((i) => labels[i]!), labelCount, exclusive };
}
