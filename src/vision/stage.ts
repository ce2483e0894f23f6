import { join } from 'node:path';
import type { Backbone } from './backbone.ts';
import { fitTemperature, isBetter, logLosses, mean, type ScoredPictures } from './calibration.ts';
import type { TrainingProgress } from './classifier.ts';
import { outputsOfLooks } from './features.ts';
import { DivergenceError, fitNetwork, type Pictures } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { withOwnWeights } from './own-weights.ts';
import { RECIPE, rateOf } from './tuning.ts';
import type { Views } from './views.ts';

/** Held-out pictures are shown in the last part of a stage, too, once it has proved better without them. */
const CHECK_AT = 0.75;

/** One step of fine-tuning. */
export interface Stage {
  /** As users read it. */
  name: string;
  /** From `image` to `logits`, trained in place. */
  network: OnnxModel;
  /** What of it is run in training: the network, or its end, which shares its weights. */
  part: OnnxModel;
  /** Weights that stay as they are. */
  frozen: ReadonlySet<string>;
  views: Views;
  /** Views to show. */
  count: number;
}

/** What all stages of a training have in common. */
export interface Tuning {
  backbone: Backbone;
  pictures: Pictures;
  /** Side in pixels of the random crops. */
  crops: number;
  /** Places of the pictures that are held out to choose between stages. */
  held: readonly number[];
  seed: number;
  /** A folder from which a stage that was cut short goes on. */
  checkpoints: string | undefined;
}

/** A stage that was better than what there was. */
export interface Tuned {
  /** As it was when it was checked: it has not seen the held-out pictures. */
  unseen: OnnxModel;
  /** Of the held-out pictures then. */
  scored: ScoredPictures;
  losses: number[];
}

/**
 * Trains a stage. In the end its network has seen all pictures, unless it is not better on the held-out ones than losses `before`, or
 * diverges: then undefined is returned. `onProgress`: fractions of the stage.
 */
export async function runStage(
  { name, network, part, frozen, views, count }: Stage,
  { backbone, pictures, held, seed, checkpoints }: Tuning,
  before: readonly number[],
  onProgress: (progress: TrainingProgress) => void,
): Promise<Tuned | undefined> {
  let tuned: Tuned | undefined;
  const passes = async () => {
    const scored = await score(network, backbone, pictures, held);
    const losses = logLosses(scored, fitTemperature(scored));
    onProgress({ stage: name, fraction: CHECK_AT, validationLoss: mean(losses) });
    if (isBetter(losses, before)) tuned = { unseen: withOwnWeights(network), scored, losses };
    return tuned !== undefined;
  };
  try {
    await fitNetwork(part, views, pictures, { ...RECIPE, views: count }, seed, {
      onProgress: (progress) => onProgress({ stage: name, ...progress }),
      learningRateOf: (weight) => (frozen.has(weight) ? 0 : rateOf(weight)),
      check: { held, at: CHECK_AT, passes },
      checkpoint: checkpoints && join(checkpoints, name),
    });
    return tuned;
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    const note = `The model was not fine-tuned further. ${error.message}`;
    onProgress({ stage: name, fraction: 1, note });
    return undefined;
  }
}

/** Logits of whole pictures. */
async function score(
  network: OnnxModel,
  { inputSize: side, normalization }: Backbone,
  { pixels, records, labels, labelCount, exclusive }: Pictures,
  held: readonly number[],
): Promise<ScoredPictures> {
  const shown = { pixels: pixels.source, records: held.map((i) => records[i]!), side, normalization };
  const logits = await outputsOfLooks(foldBatchNorm(network), shown, labelCount);
  return { logits, labels: held.map((i) => labels[i]!), labelCount, exclusive };
}
