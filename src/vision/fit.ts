import { type AugmentOptions, type Normalization, randomView } from './augment.ts';
import { differentiate } from './graph/differentiate.ts';
import { Executable, type Feed } from './graph/executable.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { makeTrainable, type Trainable } from './graph/trainable.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import { mixBatch } from './mixing.ts';
import { MovingAverage, updateStatistics } from './moving-average.ts';
import { AdamW, type AdamWOptions, clipNorm, cosineSchedule } from './optimizer.ts';
import type { PixelFile } from './pixels.ts';
import { permutation, random } from './random.ts';

/** Labelled pictures: record `records[i]` of `pixels` has the labels `labels[i]`. */
export interface Pictures {
  pixels: PixelFile;
  records: readonly number[];
  /** Indices into the labels: exactly one when they are exclusive. */
  labels: readonly (readonly number[])[];
  labelCount: number;
  exclusive: boolean;
}

/** Hyper-parameters of one optimisation. */
export interface Recipe {
  batch: number;
  /** Views shown in all. */
  views: number;
  /** Side in pixels of a view. */
  viewSize: number;
  augment: AugmentOptions;
  /** Share of the batches in which pictures are mixed: half of them by mixup, half by cutmix. */
  mixing: number;
  /** At its highest; `learningRateOf` scales it per weight. */
  learningRate: number;
  /** Share of the steps in which the learning rate rises. */
  warmup: number;
  adam: AdamWOptions;
  labelSmoothing: number;
  /** Common norm of the gradients above which they are scaled down. */
  maximumNorm: number;
  /** Shares of the old value that the moving averages of batch statistics and of weights keep at each step. */
  statisticsDecay: number;
  weightsDecay: number;
}

/** One report every so many steps. */
const REPORT_EVERY = 10;

/**
 * Trains a model with one output, the logits `[N, labels]`, in place: AdamW with a cosine schedule on random views, the
 * result being the moving average of the weights. `learningRateOf` gives each weight a factor of the learning rate; 0
 * freezes it, and what lies before the first trained weight runs as fast as in prediction.
 * Throws an Error when the loss stops being a number.
 */
export async function fitNetwork(
  model: OnnxModel,
  pictures: Pictures,
  normalization: Normalization,
  recipe: Recipe,
  seed: number,
  onProgress: (progress: { fraction: number; loss: number; imagesPerSecond: number }) => void,
  learningRateOf: (weight: string) => number = () => 1,
): Promise<void> {
  const { batch, viewSize } = recipe;
  const trainable = await makeTrainable(
    model,
    [batch, 3, viewSize, viewSize],
    (name) => learningRateOf(name) > 0,
  );
  const { parameters, statistics } = trainable;
  const step = await compileStep(trainable, pictures);
  const weights: Record<string, Feed> = Object.fromEntries(
    parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }]),
  );
  const optimizer = new AdamW(
    parameters.map(({ name, value, data }) => ({ data, shape: value.shape, rate: learningRateOf(name) })),
    recipe.adam,
  );
  const average = new MovingAverage(
    parameters.map(({ data }) => data),
    recipe.weightsDecay,
  );
  const steps = Math.ceil(recipe.views / batch);
  const batches = batchStream(pictures, normalization, recipe, seed);
  let next = (await batches.next()).value;
  let report = { loss: 0, steps: 0, since: performance.now() };
  for (let i = 0; i < steps; i++) {
    const running = step.run({ ...weights, [trainable.input.name]: next.images, targets: next.targets });
    // The next batch is made while ONNX Runtime computes this one on its own threads.
    const [result, following] = await Promise.all([running, batches.next()]);
    next = following.value;
    const loss = result.loss![0]!;
    if (!Number.isFinite(loss)) throw new Error(`The loss became ${loss} at step ${i}`);
    const gradients = parameters.map((_, k) => result[`gradient${k}`]!);
    clipNorm(gradients, recipe.maximumNorm);
    optimizer.step(gradients, recipe.learningRate * cosineSchedule((i + 1) / steps, recipe.warmup));
    // A plain mean at first, so that the start values don't linger.
    updateStatistics(statistics, result, Math.min(recipe.statisticsDecay, i / (i + 1)));
    average.update(i);
    report.loss += loss;
    report.steps++;
    if (report.steps === REPORT_EVERY || i + 1 === steps) {
      const imagesPerSecond = (1000 * report.steps * batch) / (performance.now() - report.since);
      onProgress({ fraction: (i + 1) / steps, loss: report.loss / report.steps, imagesPerSecond });
      report = { loss: 0, steps: 0, since: performance.now() };
    }
  }
  average.apply();
  await step.release();
}

/** The graph of one step: from a batch to its mean loss, the gradients and the batch statistics. */
async function compileStep(
  { graph, input, output, parameters, statistics }: Trainable,
  { labelCount, exclusive }: Pictures,
): Promise<Executable> {
  const targets = graph.input('targets', [input.shape[0]!, labelCount]);
  const losses = exclusive
    ? crossEntropy(graph, output, targets)
    : binaryCrossEntropy(graph, output, targets);
  const loss = graph.op('ReduceMean', [losses, graph.ints([0])], { keepdims: 0 });
  const values = parameters.map(({ value }) => value);
  const gradients = differentiate(graph, loss, values).map((gradient, i) => [`gradient${i}`, gradient]);
  const batchStatistics = statistics.flatMap(({ mean, variance }, i) => [
    [`mean${i}`, mean],
    [`variance${i}`, variance],
  ]);
  const outputs = Object.fromEntries([['loss', loss], ...gradients, ...batchStatistics]);
  return await Executable.compile(encodeModel(graph.model(outputs)));
}

/** Endless batches of random views: the pictures in random order, again and again. */
async function* batchStream(
  { pixels, records, labels, labelCount, exclusive }: Pictures,
  normalization: Normalization,
  { batch, viewSize: side, augment, mixing, labelSmoothing: smoothing }: Recipe,
  seed: number,
): AsyncGenerator<Record<'images' | 'targets', Feed>, never> {
  const next = random(seed);
  let order = permutation(records.length, next);
  let position = 0;
  const draw = () => {
    if (position === order.length) {
      order = permutation(records.length, next);
      position = 0;
    }
    return order[position++]!;
  };
  const spread = exclusive ? smoothing / labelCount : smoothing / 2;
  const size = 3 * side * side;
  while (true) {
    const chosen = Array.from({ length: batch }, draw);
    const images = new Float32Array(batch * size);
    const targets = new Float32Array(batch * labelCount).fill(spread);
    const sources = await Promise.all(chosen.map((index) => pixels.read(records[index]!)));
    for (const [k, index] of chosen.entries()) {
      const view = images.subarray(k * size, (k + 1) * size);
      randomView(sources[k]!, pixels.size, view, side, normalization, augment, next);
      for (const label of labels[index]!) targets[k * labelCount + label] = 1 - smoothing + spread;
    }
    if (next() < mixing) mixBatch(images, targets, batch, side, next);
    yield {
      images: { data: images, shape: [batch, 3, side, side] },
      targets: { data: targets, shape: [batch, labelCount] },
    };
  }
}
