import { join } from 'node:path';
import type { AugmentOptions } from './augment.ts';
import type { Budget } from './budget.ts';
import { calibrationErrorOf, fitTemperature, logLoss, type ScoredPictures } from './calibration.ts';
import type { TrainingProgress } from './classifier.ts';
import { outputsOfLooks } from './features.ts';
import { fitNetwork, type Pictures, type Recipe } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { holdOut } from './hold-out.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';
import type { Trained } from './record.ts';

/** Of photographs on the web, per channel: the usual choice. */
export const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const AUGMENT: AugmentOptions = { minimumArea: 0.6, ratio: 1.2, light: 0.2, mirror: true };

const RECIPE: Omit<Recipe, 'views'> = {
  batch: 32,
  mixing: 0,
  learningRate: 3e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  labelSmoothing: 0.05,
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.99,
};
/** With this share of the views some pictures are held out, to calibrate the confidences with; then all are shown. */
const FIRST = 0.7;
/** The learning rate rises again for that, to this share of its height. */
const AGAIN = 0.5;

/** What a budget buys. */
interface Scale {
  /** Stage widths of the network. */
  widths: number[];
  /** Side in pixels of a training view and of an image when predicting. */
  side: number;
  /** Views shown in a training: this many per image, within these bounds. */
  perImage: number;
  minimum: number;
  maximum: number;
}

export const SCALES: Record<Budget, Scale> = {
  fast: { widths: [32, 64, 128], side: 64, perImage: 8, minimum: 3_000, maximum: 20_000 },
  balanced: { widths: [48, 96, 192], side: 96, perImage: 40, minimum: 8_000, maximum: 100_000 },
  best: { widths: [48, 96, 192], side: 96, perImage: 120, minimum: 24_000, maximum: 300_000 },
};

/**
 * Trains a residual network from fresh weights. Same pictures and seed: the same network.
 * `checkpoints` is a folder from which a training that was cut short goes on. Throws DivergenceError when the loss or a gradient stops being a number.
 */
export async function trainFromScratch(
  pictures: Pictures,
  budget: Budget,
  seed: number,
  checkpoints: string | undefined,
  onProgress: (progress: TrainingProgress) => void,
): Promise<Trained> {
  const { pixels, records, labels, labelCount } = pictures;
  const { widths, side, perImage, minimum, maximum } = SCALES[budget];
  const network = residualNetwork({ widths, labels: labelCount }, random(seed));
  const views = Math.min(maximum, Math.max(minimum, perImage * records.length));
  const show = async (
    places: readonly number[],
    share: number,
    from: number,
    learningRate: number,
    file: string,
  ) => {
    const source = {
      pixels: pixels.source,
      records: places.map((i) => records[i]!),
      side,
      normalization: NORMALIZATION,
      augment: AUGMENT,
    };
    const labelling = { ...pictures, labels: places.map((i) => labels[i]!) };
    await fitNetwork(
      network,
      source,
      labelling,
      { ...RECIPE, learningRate, views: share * views },
      seed + 1,
      {
        onProgress: ({ fraction, ...progress }) =>
          onProgress({ stage: 'training', ...progress, fraction: from + share * fraction }),
        checkpoint: checkpoints && join(checkpoints, file),
      },
    );
  };
  const held = holdOut(labels, seed);
  const all = labels.map((_, i) => i);
  const { learningRate } = RECIPE;
  if (held.length === 0) {
    await show(all, 1, 0, learningRate, 'fresh');
    return { network, temperature: 1, method: 'scratch', losses: {} };
  }
  const isHeld = new Set(held);
  await show(
    all.filter((i) => !isHeld.has(i)),
    FIRST,
    0,
    learningRate,
    'fresh',
  );
  const scored = await score(network, pictures, held, side);
  const temperature = fitTemperature(scored);
  const validationLoss = logLoss(scored, temperature);
  onProgress({ stage: 'training', fraction: FIRST, validationLoss });
  const calibrationError = calibrationErrorOf(scored, temperature);
  await show(all, 1 - FIRST, FIRST, AGAIN * learningRate, 'fresh, all');
  return { network, temperature, method: 'scratch', losses: { scratch: validationLoss }, calibrationError };
}

async function score(
  network: OnnxModel,
  { pixels, records, labels, labelCount, exclusive }: Pictures,
  held: readonly number[],
  side: number,
): Promise<ScoredPictures> {
  const shown = {
    pixels: pixels.source,
    records: held.map((i) => records[i]!),
    side,
    normalization: NORMALIZATION,
  };
  const logits = await outputsOfLooks(foldBatchNorm(network), shown, labelCount);
  return { logits, labels: held.map((i) => labels[i]!), labelCount, exclusive };
}
