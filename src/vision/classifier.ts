import { join } from 'node:path';
import type { Normalization } from './augment.ts';
import type { Backbone } from './backbone.ts';
import type { Budget } from './budget.ts';
import type { Pictures } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import { encodeModel, type OnnxNode } from './graph/onnx.ts';
import { type ClassifierInfo, METADATA_KEY } from './model.ts';
import { PixelFile } from './pixels.ts';
import type { Trained, TrainingRecord } from './record.ts';
import { NORMALIZATION, SCALES, trainFromScratch } from './scratch-training.ts';
import { type Folders, transfer } from './transfer.ts';
import { openPictures } from './usable.ts';

export type { Budget } from './budget.ts';

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
  /** Expected calibration error of the model, 0–1, on held-out pictures. */
  calibrationError?: number;
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
  /** A folder for temporary files: 100 to 300 kB per image, and up to 1 GiB. */
  scratch: string;
  /** A folder for the state of a training that is cut short: the next one with the same options goes on from there. */
  checkpoints?: string;
  onProgress?(progress: TrainingProgress): void;
  /** Called once, with the places of the training images that were left out. */
  onOmitted?(places: number[]): void;
}

/** How much larger than a view an image is kept for training: views of half of it are as sharp as whole pictures in prediction. */
export const CACHE_MARGIN = Math.SQRT2;
/** A trained network, from `image` to `logits`, and what is needed to predict with it. */
interface Ready extends Trained {
  side: number;
  normalization: Normalization;
  backbone?: ClassifierInfo['backbone'];
}

/**
 * Trains an image classifier and returns it as an ONNX file ({@link ClassifierInfo} in its metadata) with every threshold at
 * 0.5; evaluation sets them afterwards with `withThresholds`. Pictures that can't be opened are left out: `onOmitted` is
 * given their places, and a remark says so.
 * Throws TrainingError when too many of them can't be, and DivergenceError when the loss stops being a number.
 */
export async function trainClassifier(options: ClassifierOptions): Promise<Uint8Array> {
  const {
    labels,
    exclusive,
    training,
    seed,
    budget,
    backbone,
    scratch,
    checkpoints,
    onProgress = () => {},
  } = options;
  const side = backbone?.inputSize ?? SCALES[budget].side;
  const pixels = await PixelFile.create(join(scratch, 'pixels'), Math.round(side * CACHE_MARGIN));
  try {
    const records = await openPictures(
      training,
      labels,
      async (place) => await pixels.store(place, await training[place]!.load()),
      (done, note) =>
        onProgress({ stage: 'decoding images', fraction: (0.1 * done) / training.length, note }),
    );
    const pictures: Pictures = {
      pixels,
      records,
      labels: records.map((place) => training[place]!.labels),
      labelCount: labels.length,
      exclusive,
    };
    const report: Report = (progress) => onProgress({ ...progress, fraction: 0.1 + 0.9 * progress.fraction });
    const trained = backbone
      ? await trainFromBackbone(backbone, pictures, budget, seed, { scratch, checkpoints }, report)
      : await trainFresh(pictures, budget, seed, checkpoints, report);
    const used = new Set(records);
    options.onOmitted?.(training.flatMap((_, place) => (used.has(place) ? [] : [place])));
    const { calibrationError } = trained;
    if (calibrationError !== undefined) report({ stage: 'exporting', fraction: 1, calibrationError });
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
  folders: Folders,
  report: Report,
): Promise<Ready> {
  const { inputSize: side, normalization, name, checksum } = backbone;
  const trained = await transfer(backbone, pictures, budget, seed, folders, report);
  const fineTuned = trained.method !== 'head';
  return { ...trained, side, normalization, backbone: { name, checksum, fineTuned } };
}

async function trainFresh(
  pictures: Pictures,
  budget: Budget,
  seed: number,
  checkpoints: string | undefined,
  report: Report,
): Promise<Ready> {
  const trained = await trainFromScratch(pictures, budget, seed, checkpoints, report);
  return { ...trained, side: SCALES[budget].side, normalization: NORMALIZATION };
}

function exportModel(
  { network, temperature, side, normalization, backbone, method, losses, calibrationError }: Ready,
  labels: string[],
  exclusive: boolean,
  given: Pick<TrainingRecord, 'budget' | 'seed'>,
): Uint8Array {
  const folded = foldBatchNorm(network);
  const info: ClassifierInfo = {
    version: 1,
    kind: 'classifier',
    exclusive,
    labels,
    thresholds: labels.map(() => 0.5),
    inputSize: side,
    ...normalization,
    ...(backbone && { backbone }),
    training: { ...given, method, losses, ...(calibrationError !== undefined && { calibrationError }) },
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
    ...folded,
    nodes: [...folded.nodes, ...nodes],
    initializers: new Map([
      ...folded.initializers,
      ['temperature', { type: 'float32', shape: [], data: Float32Array.of(temperature) }],
    ]),
    inputs: [{ name: 'image', tensor: { type: 'float32', shape: ['N', 3, side, side] } }],
    outputs: [{ name: 'scores', tensor: { type: 'float32', shape: ['N', labels.length] } }],
    metadata: { [METADATA_KEY]: JSON.stringify(info) },
  });
}
