import { join } from 'node:path';
import { type AugmentOptions, randomView } from './augment.ts';
import { differentiate } from './graph/differentiate.ts';
import { Executable } from './graph/executable.ts';
import { encodeModel, type OnnxModel, type OnnxNode } from './graph/onnx.ts';
import { makeTrainable, type Statistics } from './graph/trainable.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import { METADATA_KEY, type ModelInfo } from './model.ts';
import { residualNetwork } from './network.ts';
import { AdamW, clipNorm, cosineSchedule } from './optimizer.ts';
import { PixelFile } from './pixels.ts';
import { permutation, random } from './random.ts';

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
  imagesPerSecond?: number;
}

/** How long to train: `fast` is for tests and first looks, `balanced` for use. */
export type Budget = 'fast' | 'balanced';

export interface ClassifierOptions {
  labels: string[];
  /** True: one label per image (softmax). False: any number of labels per image (sigmoid per label). */
  exclusive: boolean;
  training: Sample[];
  /** Same seed, data and machine: the same model, bit for bit. */
  seed: number;
  budget: Budget;
  /** A folder for temporary files, about 50 kB per image. */
  scratch: string;
  onProgress?(progress: TrainingProgress): void;
}

/** Every hyper-parameter of the training. */
const RECIPE = {
  batch: 32,
  /** Side in pixels of a cached image. */
  cacheSize: 128,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  augment: { minimumArea: 0.6, ratio: 1.2, light: 0.2, mirror: true } satisfies AugmentOptions,
  learningRate: 3e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 },
  labelSmoothing: 0.05,
  maximumNorm: 5,
  /** Share of the old value that the moving averages keep at each step. */
  statisticsDecay: 0.9,
  weightsDecay: 0.99,
};

/** What a budget buys. */
interface Scale {
  /** Stage widths of the network. */
  widths: number[];
  /** Sides in pixels of a training view and of an image when predicting. */
  viewSize: number;
  inputSize: number;
  /** Views shown in a training: this many per image, within these bounds. */
  views: { perImage: number; minimum: number; maximum: number };
}

const SCALES: Record<Budget, Scale> = {
  fast: {
    widths: [32, 64, 128],
    viewSize: 64,
    inputSize: 64,
    views: { perImage: 8, minimum: 3_000, maximum: 20_000 },
  },
  balanced: {
    widths: [48, 96, 192],
    viewSize: 96,
    inputSize: 96,
    views: { perImage: 40, minimum: 8_000, maximum: 100_000 },
  },
};

/**
 * Trains an image classifier from fresh weights and returns it as an ONNX file ({@link ModelInfo} in its
 * metadata) with every threshold at 0.5; evaluation sets them afterwards with `withThresholds`.
 * Throws ImageError for a picture that can't be decoded, and an Error when the loss stops being a number.
 */
export async function trainClassifier(options: ClassifierOptions): Promise<Uint8Array> {
  const { labels, exclusive, training, seed, scratch, onProgress = () => {} } = options;
  const scale = SCALES[options.budget];
  const pixels = await PixelFile.create(join(scratch, 'pixels'), RECIPE.cacheSize);
  try {
    for (const [i, sample] of training.entries()) {
      await pixels.store(i, await sample.load());
      onProgress({ stage: 'decoding images', fraction: (0.1 * (i + 1)) / training.length });
    }
    const network = residualNetwork({ widths: scale.widths, labels: labels.length }, random(seed));
    await optimize(network, pixels, options, scale, ({ fraction, ...rest }) =>
      onProgress({ ...rest, fraction: 0.1 + 0.9 * fraction }),
    );
    return exportModel(network, labels, exclusive, scale.inputSize);
  } finally {
    await pixels.remove();
  }
}

/** Trains the network's weights in place. */
async function optimize(
  network: OnnxModel,
  pixels: PixelFile,
  { labels, exclusive, training, seed }: ClassifierOptions,
  { views: { perImage, minimum, maximum }, viewSize }: Scale,
  onProgress: (progress: TrainingProgress) => void,
): Promise<void> {
  const { graph, input, output, parameters, statistics } = await makeTrainable(network, [
    RECIPE.batch,
    3,
    viewSize,
    viewSize,
  ]);
  const targets = graph.input('targets', [RECIPE.batch, labels.length]);
  const losses = exclusive
    ? crossEntropy(graph, output, targets)
    : binaryCrossEntropy(graph, output, targets);
  const loss = graph.op('ReduceMean', [losses, graph.ints([0])], { keepdims: 0 });
  const gradients = differentiate(
    graph,
    loss,
    parameters.map(({ value }) => value),
  );
  const results = {
    loss,
    ...Object.fromEntries(gradients.map((gradient, i) => [`gradient${i}`, gradient])),
    ...Object.fromEntries(
      statistics.flatMap(({ mean, variance }, i) => [
        [`mean${i}`, mean],
        [`variance${i}`, variance],
      ]),
    ),
  };
  const step = await Executable.compile(encodeModel(graph.model(results)));
  const weights = Object.fromEntries(
    parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }]),
  );
  const optimizer = new AdamW(
    parameters.map(({ value, data }) => ({ data, shape: value.shape })),
    RECIPE.adam,
  );
  const average = new MovingAverage(
    parameters.map(({ data }) => data),
    RECIPE.weightsDecay,
  );

  const views = Math.min(maximum, Math.max(minimum, perImage * training.length));
  const steps = Math.ceil(views / RECIPE.batch);
  const batches = batchStream(pixels, viewSize, training, labels.length, exclusive, seed);
  let batch = (await batches.next()).value;
  let lossSum = 0;
  let since = performance.now();
  for (let i = 0; i < steps; i++) {
    const running = step.run({ ...weights, [input.name]: batch.images, targets: batch.targets });
    // The next batch is made while ONNX Runtime computes this one on its own threads.
    const [result, following] = await Promise.all([running, batches.next()]);
    batch = following.value;
    const stepLoss = result.loss![0]!;
    if (!Number.isFinite(stepLoss)) throw new Error(`The loss became ${stepLoss} at step ${i}`);
    const stepGradients = parameters.map((_, k) => result[`gradient${k}`]!);
    clipNorm(stepGradients, RECIPE.maximumNorm);
    optimizer.step(stepGradients, RECIPE.learningRate * cosineSchedule((i + 1) / steps, RECIPE.warmup));
    updateStatistics(statistics, result, i);
    average.update(i);
    lossSum += stepLoss;
    if ((i + 1) % 10 === 0 || i + 1 === steps) {
      const count = i % 10 === 9 ? 10 : steps % 10;
      const imagesPerSecond = (1000 * count * RECIPE.batch) / (performance.now() - since);
      onProgress({ stage: 'training', fraction: (i + 1) / steps, loss: lossSum / count, imagesPerSecond });
      lossSum = 0;
      since = performance.now();
    }
  }
  average.apply();
  await step.release();
}

/** Endless batches of random views: the samples in random order, again and again. */
async function* batchStream(
  pixels: PixelFile,
  side: number,
  training: Sample[],
  labelCount: number,
  exclusive: boolean,
  seed: number,
): AsyncGenerator<Record<'images' | 'targets', { data: Float32Array; shape: number[] }>, never> {
  const { batch, labelSmoothing: smoothing } = RECIPE;
  const next = random(seed + 1);
  let order = permutation(training.length, next);
  let position = 0;
  const draw = () => {
    if (position === order.length) {
      order = permutation(training.length, next);
      position = 0;
    }
    return order[position++]!;
  };
  const spread = exclusive ? smoothing / labelCount : smoothing / 2;
  while (true) {
    const chosen = Array.from({ length: batch }, draw);
    const images = new Float32Array(batch * 3 * side * side);
    const targets = new Float32Array(batch * labelCount).fill(spread);
    const sources = await Promise.all(chosen.map((index) => pixels.read(index)));
    for (const [k, index] of chosen.entries()) {
      const view = images.subarray(k * 3 * side * side, (k + 1) * 3 * side * side);
      randomView(sources[k]!, pixels.size, view, side, RECIPE, RECIPE.augment, next);
      for (const label of training[index]!.labels) targets[k * labelCount + label] = 1 - smoothing + spread;
    }
    yield {
      images: { data: images, shape: [batch, 3, side, side] },
      targets: { data: targets, shape: [batch, labelCount] },
    };
  }
}

/** Moves the running mean and variance of every batch normalisation towards this batch's. */
function updateStatistics(
  statistics: readonly Statistics[],
  results: Record<string, Float32Array>,
  step: number,
): void {
  // A plain mean at first, so that the start values don't linger.
  const keep = Math.min(RECIPE.statisticsDecay, step / (step + 1));
  for (const [k, { runningMean, runningVariance }] of statistics.entries()) {
    for (const [running, batch] of [
      [runningMean, results[`mean${k}`]!],
      [runningVariance, results[`variance${k}`]!],
    ] as const) {
      for (let i = 0; i < running.length; i++) running[i] = keep * running[i]! + (1 - keep) * batch[i]!;
    }
  }
}

/** An exponential moving average of weights, which predicts better than the last weights do (Polyak and Juditsky 1992). */
class MovingAverage {
  readonly #tensors: Float32Array[];
  readonly #averages: Float32Array[];
  readonly #decay: number;

  constructor(tensors: Float32Array[], decay: number) {
    this.#tensors = tensors;
    this.#averages = tensors.map((tensor) => tensor.slice());
    this.#decay = decay;
  }

  update(step: number): void {
    const keep = Math.min(this.#decay, (1 + step) / (10 + step));
    for (const [k, tensor] of this.#tensors.entries()) {
      const average = this.#averages[k]!;
      for (let i = 0; i < tensor.length; i++) average[i] = keep * average[i]! + (1 - keep) * tensor[i]!;
    }
  }

  /** Writes the averages over the tensors. */
  apply(): void {
    this.#averages.forEach((average, k) => void this.#tensors[k]!.set(average));
  }
}

function exportModel(
  network: OnnxModel,
  labels: string[],
  exclusive: boolean,
  inputSize: number,
): Uint8Array {
  const { mean, std } = RECIPE;
  const info: ModelInfo = {
    version: 1,
    kind: 'classifier',
    exclusive,
    labels,
    thresholds: labels.map(() => 0.5),
    inputSize,
    mean,
    std,
  };
  const [image] = network.inputs;
  return encodeModel({
    ...network,
    nodes: [...network.nodes, exclusive ? node('Softmax', { axis: -1 }) : node('Sigmoid')],
    inputs: [{ ...image!, tensor: { type: 'float32', shape: ['N', 3, inputSize, inputSize] } }],
    outputs: [{ name: 'scores', tensor: { type: 'float32', shape: ['N', labels.length] } }],
    metadata: { [METADATA_KEY]: JSON.stringify(info) },
  });
}

/** The last node of a model: from the logits to the scores. */
function node(type: string, attributes: OnnxNode['attributes'] = {}): OnnxNode {
  return { type, inputs: ['logits'], outputs: ['scores'], attributes };
}
