import { join } from 'node:path';
import type { Normalization } from './augment.ts';
import type { Backbone } from './backbone.ts';
import type { Budget } from './budget.ts';
import { fitNetwork, type Pictures, type Recipe } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import { encodeModel, type OnnxModel, type OnnxNode } from './graph/onnx.ts';
import { ImageError } from './image.ts';
import { METADATA_KEY, type ModelInfo } from './model.ts';
import { residualNetwork } from './network.ts';
import { PixelFile } from './pixels.ts';
import { random } from './random.ts';
import type { TrainingRecord } from './record.ts';
import { transfer } from './transfer.ts';

/** One labelled image of a training or test set. */
export interface Sample {
  /** A stable name for messages, for example the S3 URL. */
  id: string;
  /** Indices into the label list: exactly one when labels are exclusive, none or several otherwise. */
  labels: number[];
  /** The encoded file (JPEG or PNG). */
  load(): Promise<Uint8Array>;
}

/** How far a training is; `fraction` runs from 0 to 1. */
export interface TrainingProgress {
  stage: string;
  fraction: number;
  /** Mean loss since the last report, natural logarithm. */
  loss?: number;
  /** The same on held-out pictures. */
  validationLoss?: number;
  imagesPerSecond?: number;
  /** A remark for users that stays with the model: something was left out, and why. */
  note?: string;
}

export interface ClassifierOptions {
  labels: string[];
  /** True: one label per image (softmax). False: any number of labels per image (sigmoid per label). */
  exclusive: boolean;
  training: Sample[];
  /** Same seed, data and machine: the same model, bit for bit. */
  seed: number;
  budget: Budget;
  /** What to start from; fresh weights when absent. */
  backbone?: Backbone;
  /** A folder for temporary files, 50 to 200 kB per image. */
  scratch: string;
  onProgress?(progress: TrainingProgress): void;
}

/** How much larger than a view an image is kept for training; views are cut from it. */
const CACHE_MARGIN = 8 / 7;
/** Of photographs on the web, per channel: the usual choice. */
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const RECIPE: Omit<Recipe, 'views' | 'viewSize'> = {
  batch: 32,
  augment: { minimumArea: 0.6, ratio: 1.2, light: 0.2, mirror: true },
  mixing: 0,
  learningRate: 3e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  labelSmoothing: 0.05,
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.99,
};

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

const SCALES: Record<Budget, Scale> = {
  fast: { widths: [32, 64, 128], side: 64, perImage: 8, minimum: 3_000, maximum: 20_000 },
  balanced: { widths: [48, 96, 192], side: 96, perImage: 40, minimum: 8_000, maximum: 100_000 },
  best: { widths: [48, 96, 192], side: 96, perImage: 120, minimum: 24_000, maximum: 300_000 },
};

/** A trained network, from `image` to `logits`, and what it needs to know to predict. */
interface Trained {
  network: OnnxModel;
  temperature: number;
  side: number;
  normalization: Normalization;
  backbone?: ModelInfo['backbone'];
}

/**
 * Trains an image classifier and returns it as an ONNX file ({@link ModelInfo} in its metadata) with every threshold at
 * 0.5; evaluation sets them afterwards with `withThresholds`.
 * Throws ImageError for a picture that can't be decoded, and an Error when the loss stops being a number.
 */
export async function trainClassifier(options: ClassifierOptions): Promise<Uint8Array> {
  const { labels, exclusive, training, seed, budget, backbone, onProgress = () => {} } = options;
  const side = backbone?.inputSize ?? SCALES[budget].side;
  const path = join(options.scratch, 'pixels');
  const pixels = await PixelFile.create(path, Math.round(side * CACHE_MARGIN));
  try {
    for (const [i, sample] of training.entries()) {
      await storePixels(pixels, i, sample);
      onProgress({ stage: 'decoding images', fraction: (0.1 * (i + 1)) / training.length });
    }
    const pictures: Pictures = {
      pixels,
      records: training.map((_, i) => i),
      labels: training.map((sample) => sample.labels),
      labelCount: labels.length,
      exclusive,
    };
    const report: Report = (progress) => onProgress({ ...progress, fraction: 0.1 + 0.9 * progress.fraction });
    const trained = backbone
      ? await trainFromBackbone(backbone, pictures, budget, seed, report)
      : await trainFromScratch(pictures, budget, seed, report);
    return exportModel(trained, labels, exclusive, { budget, seed });
  } finally {
    await pixels.remove();
  }
}

type Report = (progress: TrainingProgress) => void;

async function trainFromBackbone(
  backbone: Backbone,
  pictures: Pictures,
  budget: Budget,
  seed: number,
  report: Report,
): Promise<Trained> {
  const { inputSize: side, normalization, name, checksum } = backbone;
  const trained = await transfer(backbone, pictures, budget !== 'fast', seed, report);
  return {
    network: foldBatchNorm(trained.network),
    temperature: trained.temperature,
    side,
    normalization,
    backbone: { name, checksum, fineTuned: trained.method === 'fine-tuned' },
  };
}

async function trainFromScratch(
  pictures: Pictures,
  budget: Budget,
  seed: number,
  report: Report,
): Promise<Trained> {
  const { widths, side, perImage, minimum, maximum } = SCALES[budget];
  const network = residualNetwork({ widths, labels: pictures.labelCount }, random(seed));
  const views = Math.min(maximum, Math.max(minimum, perImage * pictures.records.length));
  const recipe = { ...RECIPE, views, viewSize: side };
  await fitNetwork(network, pictures, NORMALIZATION, recipe, seed + 1, (progress) =>
    report({ stage: 'training', ...progress }),
  );
  return { network: foldBatchNorm(network), temperature: 1, side, normalization: NORMALIZATION };
}

async function storePixels(pixels: PixelFile, index: number, sample: Sample): Promise<void> {
  try {
    await pixels.store(index, await sample.load());
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(error.reason, `${sample.id}: ${error.message}`, { cause: error });
  }
}

function exportModel(
  { network, temperature, side, normalization, backbone }: Trained,
  labels: string[],
  exclusive: boolean,
  training: TrainingRecord,
): Uint8Array {
  const info: ModelInfo = {
    version: 1,
    kind: 'classifier',
    exclusive,
    labels,
    thresholds: labels.map(() => 0.5),
    inputSize: side,
    ...normalization,
    ...(backbone && { backbone }),
    training,
  };
  const nodes: OnnxNode[] = [
    { type: 'Div', inputs: ['logits', 'temperature'], outputs: ['calibrated'], attributes: {} },
    {
      type: exclusive ? 'Softmax' : 'Sigmoid',
      inputs: ['calibrated'],
      outputs: ['scores'],
      attributes: exclusive ? { axis: -1 } : {},
    },
  ];
  return encodeModel({
    ...network,
    nodes: [...network.nodes, ...nodes],
    initializers: new Map([
      ...network.initializers,
      ['temperature', { type: 'float32', shape: [], data: Float32Array.of(temperature) }],
    ]),
    inputs: [{ name: 'image', tensor: { type: 'float32', shape: ['N', 3, side, side] } }],
    outputs: [{ name: 'scores', tensor: { type: 'float32', shape: ['N', labels.length] } }],
    metadata: { [METADATA_KEY]: JSON.stringify(info) },
  });
}
