import { join } from 'node:path';
import type { Normalization } from './augment.ts';
import type { Backbone } from './backbone.ts';
import type { LabelledBox } from './boxes.ts';
import type { Budget } from './budget.ts';
import type { TrainingProgress } from './classifier.ts';
import { toPredictor } from './detection/export.ts';
import { type DetectionRecipe, fitDetector } from './detection/fit.ts';
import { PictureFile } from './detection/pictures.ts';
import { freshHead, HEAD_PREFIX, withDetector } from './detection/pyramid.ts';
import { chooseInput, type InputSize } from './detection/scale.ts';
import { chooseSuppression } from './detection/suppression.ts';
import type { ViewOptions } from './detection/views.ts';
import { type FeatureMaps, findFeatureMaps, fineWeights } from './feature-maps.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { holdOut } from './hold-out.ts';
import { type ImageSize, inspectImage } from './image.ts';
import { type DetectorInfo, METADATA_KEY } from './model.ts';
import { residualNetwork } from './network.ts';
import { withOwnWeights } from './own-weights.ts';
import { random } from './random.ts';
import type { Method, TrainingRecord } from './record.ts';
import { NORMALIZATION } from './scratch-training.ts';
import { openPictures } from './usable.ts';

/** One image with its boxes. */
export interface DetectorSample {
  /** A stable name for messages, for example the S3 URL. */
  id: string;
  /** None: an image without any of the objects. */
  boxes: LabelledBox[];
  /** The encoded file (JPEG or PNG). */
  load(): Promise<Uint8Array>;
}

export interface DetectorOptions {
  labels: string[];
  training: DetectorSample[];
  /** Same seed, data and machine: the same model, bit for bit. */
  seed: number;
  budget: Budget;
  /** What to start from; fresh weights when absent, or when it has no feature maps. */
  backbone?: Backbone;
  /** A folder for temporary files, up to 3 MB per image. */
  scratch: string;
  /** A folder for the state of a training that is cut short: the next one with the same options goes on from there. */
  checkpoints?: string;
  onProgress?(progress: TrainingProgress): void;
  /** Called once, with the places of the training images that were left out. */
  onOmitted?(places: number[]): void;
}

const RECIPE: Omit<DetectionRecipe, 'views' | 'viewSize'> = {
  // Many small steps: with 8, a fifth of the precision was missing after as many views (docs/decisions.md).
  batch: 4,
  // More change of size, and mosaics, cost precision (docs/decisions.md).
  view: { scale: [0.83, 1.2], light: 0.2 },
  plain: 0.2,
  learningRate: 5e-3,
  warmup: 0.05,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  maximumNorm: 10,
  statisticsDecay: 0.95,
  weightsDecay: 0.99,
};
/** For pictures of nothing but the object, which is much smaller in the pictures where it is to be found. */
const LOGO_VIEW: ViewOptions = {
  ...RECIPE.view,
  scale: [0.1, 1],
  mosaic: { share: 0.5, scale: [0.05, 0.5] },
};
/** Held out for the curve of validation losses, until three quarters of the training. */
const HELD = { share: 0.1, pictures: 32 };
/** Learning rate of a backbone's weights, as a share of the others'. */
const BACKBONE_RATE = 0.3;
/** Stage widths of a network with fresh weights. */
const FRESH_WIDTHS = [32, 64, 128, 192];

/** What a budget buys. */
interface Scale {
  /** Views shown in a training: this many per image, within these bounds. */
  perImage: number;
  minimum: number;
  maximum: number;
  /** Largest side in pixels of a training view. */
  side: number;
  /** Whether the weights of a backbone are trained, too. */
  tunes: boolean;
}

const SCALES: Record<Budget, Scale> = {
  fast: { perImage: 12, minimum: 1_600, maximum: 10_000, side: 256, tunes: false },
  balanced: { perImage: 32, minimum: 6_000, maximum: 80_000, side: 320, tunes: true },
  best: { perImage: 100, minimum: 16_000, maximum: 200_000, side: 320, tunes: true },
};

/**
 * Trains an object detector and returns it as an ONNX file ({@link DetectorInfo} in its metadata) with every threshold at
 * 0.5; evaluation sets them afterwards with `withThresholds`. Pictures that can't be opened are left out: `onOmitted` is
 * given their places, and a remark says so.
 * Throws TrainingError when too many of them can't be, and DivergenceError when the loss stops being a number.
 */
export async function trainDetector(options: DetectorOptions): Promise<Uint8Array> {
  const { labels, training, seed, budget, backbone, onProgress = () => {} } = options;
  const scale = SCALES[budget];
  const start = await startFrom(backbone, seed, scale, onProgress);
  const { input, places } = await inspect(options);
  const longer = Math.max(input.width, input.height);
  const file = await PictureFile.create(join(options.scratch, 'pixels'), longer);
  try {
    const records = await decode(options, places, file);
    const weights = freshHead(start.maps, labels.length, random(seed + 1));
    const labelsOf = records.map((place) => training[place]!.boxes.map(({ label }) => label));
    const held = holdOut(labelsOf, seed + 3, Math.min(HELD.share, HELD.pictures / records.length)).map(
      (i) => records[i]!,
    );
    const side = Math.min(scale.side, longer);
    const views = Math.min(scale.maximum, Math.max(scale.minimum, scale.perImage * records.length));
    const view = fillPictures(training) ? LOGO_VIEW : RECIPE.view;
    const loss = await fitDetector(
      withDetector(start.model, start.maps, weights, [side, side]),
      { file, records, held, labelCount: labels.length },
      start.normalization,
      { ...RECIPE, view, views, viewSize: side },
      seed + 2,
      (progress) => onProgress({ stage: 'training', ...progress, fraction: 0.1 + 0.9 * progress.fraction }),
      (name) => (name.startsWith(HEAD_PREFIX) ? 1 : start.rateOf(name)),
      options.checkpoints && join(options.checkpoints, 'detector'),
    );
    const used = new Set(records);
    options.onOmitted?.(training.flatMap((_, place) => (used.has(place) ? [] : [place])));
    const trained = withDetector(start.model, start.maps, weights, [input.height, input.width]);
    const suppression = chooseSuppression(records.map((place) => training[place]!.boxes));
    const losses = loss === undefined ? {} : { [start.method]: loss };
    return exportDetector(toPredictor(trained, input, suppression), input, start, losses, options);
  } finally {
    await file.remove();
  }
}

function exportDetector(
  model: OnnxModel,
  input: InputSize,
  { backbone, normalization, method }: Start,
  losses: TrainingRecord['losses'],
  { labels, budget, seed }: DetectorOptions,
): Uint8Array {
  const info: DetectorInfo = {
    version: 1,
    kind: 'detector',
    labels,
    thresholds: labels.map(() => 0.5),
    inputWidth: input.width,
    inputHeight: input.height,
    ...normalization,
    ...(backbone && { backbone: { ...backbone, fineTuned: method !== 'head' } }),
    training: { budget, seed, method, losses },
  };
  return encodeModel({ ...model, metadata: { [METADATA_KEY]: JSON.stringify(info) } });
}

/** The input that the usable pictures ask for, and the places of those pictures. */
async function inspect({ training, labels, onProgress = () => {} }: DetectorOptions) {
  const sizes: ImageSize[] = [];
  const places = await openPictures(
    training.map(toGiven),
    labels,
    async (place) => {
      sizes[place] = await inspectImage(await training[place]!.load());
    },
    (done, note) =>
      onProgress({ stage: 'measuring images', fraction: (0.03 * done) / training.length, note }),
  );
  const measured = places.map((place) => ({ size: sizes[place]!, boxes: training[place]!.boxes }));
  return { input: chooseInput(measured), places };
}

/** Decodes the pictures at those places into the file, and returns the places of those that could be. */
async function decode(
  { training, labels, onProgress = () => {} }: DetectorOptions,
  places: number[],
  file: PictureFile,
): Promise<number[]> {
  const decoded = await openPictures(
    places.map((place) => toGiven(training[place]!)),
    labels,
    async (i) => {
      const { boxes, load } = training[places[i]!]!;
      await file.store(places[i]!, await load(), boxes);
    },
    (done, note) =>
      onProgress({ stage: 'decoding images', fraction: 0.03 + (0.07 * done) / places.length, note }),
  );
  return decoded.map((i) => places[i]!);
}

const toGiven = ({ id, boxes }: DetectorSample) => ({ id, labels: boxes.map(({ label }) => label) });

/** True when every box is a whole picture, as when logos are learned from pictures of nothing else. */
function fillPictures(training: readonly DetectorSample[]): boolean {
  return training.every(({ boxes }) => boxes.every(({ width, height }) => width * height > 0.9));
}

/** What a training starts from. */
interface Start {
  model: OnnxModel;
  maps: FeatureMaps;
  normalization: Normalization;
  /** Factor of the learning rate of a weight that isn't the pyramid's or the head's. */
  rateOf(weight: string): number;
  method: Method;
  backbone?: { name: string; checksum: string };
}

async function startFrom(
  backbone: Backbone | undefined,
  seed: number,
  { tunes }: Scale,
  onProgress: (progress: TrainingProgress) => void,
): Promise<Start> {
  if (backbone) {
    const maps = await findFeatureMaps(backbone.model);
    const { name, checksum, normalization } = backbone;
    if (maps) {
      const model = withOwnWeights(backbone.model);
      const frozen = await fineWeights(model);
      const rateOf = (weight: string) => (tunes && !frozen.has(weight) ? BACKBONE_RATE : 0);
      const method = tunes ? 'whole network' : 'head';
      return { model, maps, normalization, rateOf, method, backbone: { name, checksum } };
    }
    const note = `The backbone ${name} has no feature maps at strides 8, 16 and 32: the detector was trained from fresh weights.`;
    onProgress({ stage: 'training', fraction: 0, note });
  }
  const model = residualNetwork({ widths: FRESH_WIDTHS, labels: 1 }, random(seed));
  const maps = (await findFeatureMaps(model))!;
  return { model, maps, normalization: NORMALIZATION, rateOf: () => 1, method: 'scratch' };
}
