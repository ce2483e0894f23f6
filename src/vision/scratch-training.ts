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
/** Until then some pictures are held out, to calibrate the confidences with; afterwards they are shown, too. */
const CALIBRATE_AT = 0.8;

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
  const held = holdOut(labels, seed);
  const trained: Trained = { network, temperature: 1, method: 'scratch', losses: {} };
  const calibrate = async () => {
    const scored = await score(network, pictures, held, side);
    trained.temperature = fitTemperature(scored);
    const validationLoss = logLoss(scored, trained.temperature);
    trained.losses = { scratch: validationLoss };
    trained.calibrationError = calibrationErrorOf(scored, trained.temperature);
    onProgress({ stage: 'training', fraction: CALIBRATE_AT, validationLoss });
    return true;
  };
  const source = { pixels: pixels.source, records, side, normalization: NORMALIZATION, augment: AUGMENT };
  await fitNetwork(network, source, pictures, { ...RECIPE, views }, seed + 1, {
    onProgress: (progress) => onProgress({ stage: 'training', ...progress }),
    checkpoint: checkpoints && join(checkpoints, 'fresh'),
    ...(held.length > 0 && { check: { held, at: CALIBRATE_AT, passes: calibrate } }),
  });
  return trained;
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
