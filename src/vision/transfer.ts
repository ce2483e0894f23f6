import type { AugmentOptions } from './augment.ts';
import type { Backbone } from './backbone.ts';
import { fitTemperature, logLoss, type ScoredPictures } from './calibration.ts';
import type { TrainingProgress } from './classifier.ts';
import { fineTuningGap } from './coverage.ts';
import { runOnViews, type View } from './features.ts';
import { fitNetwork, type Pictures, type Recipe } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import type { OnnxModel, OnnxNode } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';
import { type Head, trainHead } from './head.ts';
import { permutation, random } from './random.ts';

/** Names of the head's tensors in a network. */
const HEAD = { weights: 'head.weights', bias: 'head.bias' };

const AUGMENT: AugmentOptions = { minimumArea: 0.5, ratio: 1.25, light: 0.2, mirror: true };
/** Views of each picture that the head learns from: the whole picture and random ones. */
const HEAD_VIEWS = 4;
/** One of so many pictures of a label is held out to choose between the head alone and fine-tuning. */
const HOLD_OUT = 5;

const FINE_TUNING: Omit<Recipe, 'views' | 'viewSize'> = {
  batch: 32,
  augment: AUGMENT,
  mixing: 0,
  learningRate: 1e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.02 },
  labelSmoothing: 0.05,
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.98,
};
/** Learning rate of the backbone's weights, as a share of the head's. */
const BACKBONE_RATE = 0.5;
/** Views that fine-tuning shows: this many per picture, within these bounds. */
const FINE_TUNING_VIEWS = { perPicture: 20, minimum: 4_000, maximum: 60_000 };

export interface Transferred {
  /** From `image` to `logits`. */
  network: OnnxModel;
  /** What logits are divided by to be calibrated. */
  temperature: number;
  /** What was chosen, and the mean loss on held-out pictures of each that was tried. */
  method: 'head' | 'fine-tuned';
  losses: { head: number; 'fine-tuned'?: number };
}

type Report = (progress: TrainingProgress) => void;

/**
 * Trains a classifier on a backbone: a linear head on the frozen features, then, where it is `wanted` and the operator
 * table covers the backbone, the whole network
 * from there, which is kept only where it is better on held-out pictures (then trained once more on all of them).
 * Same pictures and seed: the same network.
 */
export async function transfer(
  backbone: Backbone,
  pictures: Pictures,
  wanted: boolean,
  seed: number,
  onProgress: Report,
): Promise<Transferred> {
  const gap = wanted ? await fineTuningGap(backbone) : undefined;
  const note = gap && `The backbone ${backbone.name} stays frozen. ${gap}`;
  const fineTune = wanted && gap === undefined;
  onProgress({ stage: 'computing features', fraction: 0, note });
  const features = await extractFeatures(backbone, pictures, seed, (fraction) =>
    onProgress({ stage: 'computing features', fraction: (fineTune ? 0.15 : 0.9) * fraction }),
  );
  const all = pictures.records.map((_, i) => i);
  const head = await trainHead(select(features, pictures, all), seed);
  const scored: ScoredPictures = {
    ...pictures,
    logits: everyView(head.validationLogits, pictures.labelCount),
  };
  const network = withHead(backbone.model, head, backbone.width);
  const headOnly: Transferred = {
    network,
    temperature: fitTemperature(scored),
    method: 'head',
    losses: { head: logLoss(scored) },
  };
  onProgress({
    stage: 'training the head',
    fraction: fineTune ? 0.15 : 1,
    validationLoss: headOnly.losses.head,
  });
  const held = holdOut(pictures, seed);
  if (!fineTune || held.length === 0) return headOnly;

  const kept = all.filter((i) => !held.includes(i));
  const tune = async (chosen: number[], from: number, to: number) => {
    const start = await trainHead(select(features, pictures, chosen), seed);
    const model = withHead(copy(backbone.model), start, backbone.width);
    await tuneNetwork(model, backbone, choose(pictures, chosen), seed, ({ fraction, ...rest }) =>
      onProgress({ stage: 'fine-tuning', fraction: from + fraction * (to - from), ...rest }),
    );
    return model;
  };
  const trial = await tune(kept, 0.15, 0.55);
  const trialScores = await scoreHeld(trial, backbone, choose(pictures, held));
  const headScores = { ...choose(pictures, held), logits: rows(scored.logits, held, pictures.labelCount) };
  const temperature = fitTemperature(trialScores);
  const losses = {
    head: logLoss(headScores, headOnly.temperature),
    'fine-tuned': logLoss(trialScores, temperature),
  };
  onProgress({ stage: 'fine-tuning', fraction: 0.55, validationLoss: losses['fine-tuned'] });
  if (losses['fine-tuned'] >= losses.head) return { ...headOnly, losses };
  return { network: await tune(all, 0.55, 1), temperature, method: 'fine-tuned', losses };
}

/** `[pictures · HEAD_VIEWS, width]`, the whole picture first of each. */
async function extractFeatures(
  { model, width, inputSize, normalization }: Backbone,
  { pixels, records }: Pictures,
  seed: number,
  onProgress: (fraction: number) => void,
): Promise<Float32Array> {
  const views = records.flatMap((record, i) =>
    Array.from(
      { length: HEAD_VIEWS },
      (_, v): View => (v === 0 ? { record } : { record, seed: seed + i * HEAD_VIEWS + v }),
    ),
  );
  const folded = foldBatchNorm(model);
  return await runOnViews(folded, width, pixels, views, inputSize, normalization, AUGMENT, onProgress);
}

/** Rows of the features and labels of some pictures, ready for the head. */
function select(
  features: Float32Array,
  { labels, labelCount, exclusive }: Pictures,
  chosen: readonly number[],
) {
  const width = features.length / (labels.length * HEAD_VIEWS);
  return {
    features: rows(features, chosen, HEAD_VIEWS * width),
    width,
    labels: chosen.flatMap((i) => Array.from({ length: HEAD_VIEWS }, () => labels[i]!)),
    labelCount,
    exclusive,
    groups: Uint32Array.from({ length: chosen.length * HEAD_VIEWS }, (_, row) =>
      Math.floor(row / HEAD_VIEWS),
    ),
  };
}

function rows(data: Float32Array, chosen: readonly number[], width: number): Float32Array {
  const result = new Float32Array(chosen.length * width);
  chosen.forEach((i, k) => void result.set(data.subarray(i * width, (i + 1) * width), k * width));
  return result;
}

/** Of the logits of every view, those of whole pictures. */
function everyView(logits: Float32Array, labelCount: number): Float32Array {
  const count = logits.length / labelCount / HEAD_VIEWS;
  return rows(
    logits,
    Array.from({ length: count }, (_, i) => i * HEAD_VIEWS),
    labelCount,
  );
}

const choose = (pictures: Pictures, chosen: readonly number[]): Pictures => ({
  ...pictures,
  records: chosen.map((i) => pictures.records[i]!),
  labels: chosen.map((i) => pictures.labels[i]!),
});

/** One of {@link HOLD_OUT} pictures of each label (of the first, where there are several), in order of place. */
function holdOut({ labels }: Pictures, seed: number): number[] {
  const byLabel = new Map<number, number[]>();
  for (const i of permutation(labels.length, random(seed))) {
    const label = labels[i]![0] ?? -1;
    byLabel.set(label, [...(byLabel.get(label) ?? []), i]);
  }
  const held = [...byLabel.values()].flatMap((places) =>
    places.slice(0, Math.floor(places.length / HOLD_OUT)),
  );
  return held.sort((a, b) => a - b);
}

async function scoreHeld(
  network: OnnxModel,
  backbone: Backbone,
  pictures: Pictures,
): Promise<ScoredPictures> {
  const { pixels, records, labelCount } = pictures;
  const views = records.map((record) => ({ record }));
  const { inputSize, normalization } = backbone;
  const folded = foldBatchNorm(network);
  const logits = await runOnViews(folded, labelCount, pixels, views, inputSize, normalization, AUGMENT);
  return { ...pictures, logits };
}

async function tuneNetwork(
  network: OnnxModel,
  { inputSize, normalization }: Backbone,
  pictures: Pictures,
  seed: number,
  onProgress: (progress: { fraction: number; loss: number; imagesPerSecond: number }) => void,
): Promise<void> {
  const { perPicture, minimum, maximum } = FINE_TUNING_VIEWS;
  const views = Math.min(maximum, Math.max(minimum, perPicture * pictures.records.length));
  const recipe = { ...FINE_TUNING, views, viewSize: inputSize };
  const isHead = new Set(Object.values(HEAD));
  const rate = (name: string) => (isHead.has(name) ? 1 : BACKBONE_RATE);
  await fitNetwork(network, pictures, normalization, recipe, seed + 1, onProgress, rate);
}

/** Appends the head: from `features` to `logits`. */
function withHead(model: OnnxModel, { weights, bias }: Head, width: number): OnnxModel {
  const node: OnnxNode = {
    type: 'Gemm',
    inputs: ['features', HEAD.weights, HEAD.bias],
    outputs: ['logits'],
    attributes: { transA: 0, transB: 1 },
  };
  return {
    ...model,
    nodes: [...model.nodes, node],
    initializers: new Map([
      ...model.initializers,
      [HEAD.weights, { type: 'float32', shape: [bias.length, width], data: weights.slice() }],
      [HEAD.bias, { type: 'float32', shape: [bias.length], data: bias.slice() }],
    ]),
    outputs: [{ name: 'logits' }],
  };
}

/** With weights of its own, to be trained in place. */
function copy(model: OnnxModel): OnnxModel {
  const trained = weightNames(model);
  const statistics = new Set(
    model.nodes.filter(({ type }) => type === 'BatchNormalization').flatMap(({ inputs }) => inputs.slice(3)),
  );
  const initializers = [...model.initializers].map(([name, tensor]) => {
    const own = trained.has(name) || statistics.has(name);
    return [name, own ? { ...tensor, data: tensor.data.slice() } : tensor] as const;
  });
  return { ...model, initializers: new Map(initializers) };
}
