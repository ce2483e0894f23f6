import { batches, makeSchedule } from './batches.ts';
import { Checkpoint } from './checkpoint.ts';
import { differentiate } from './graph/differentiate.ts';
import { Executable, type Feed } from './graph/executable.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { makeTrainable, type Trainable } from './graph/trainable.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import { MovingAverage, updateStatistics } from './moving-average.ts';
import { AdamW, type AdamWOptions, clipNorm, cosineSchedule } from './optimizer.ts';
import type { PixelFile } from './pixels.ts';
import { shapeOf, type Views } from './views.ts';

/** What pictures show. */
export interface Labelling {
  /** Of each picture, indices into the labels: exactly one when they are exclusive. */
  labels: readonly (readonly number[])[];
  labelCount: number;
  exclusive: boolean;
}

/** Labelled pictures: record `records[i]` of `pixels` has the labels `labels[i]`. */
export interface Pictures extends Labelling {
  pixels: PixelFile;
  records: readonly number[];
}

/** Hyper-parameters of one optimisation. */
export interface Recipe {
  batch: number;
  /** Views shown in all. */
  views: number;
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

export interface FitOptions {
  onProgress(progress: { fraction: number; loss: number; imagesPerSecond: number }): void;
  /** A factor of the learning rate for each weight; 0 freezes it. */
  learningRateOf?(weight: string): number;
  /** A file from which a training that was cut short goes on, to the same weights bit for bit. */
  checkpoint?: string;
}

/** The optimisation left the numbers that can be computed with. The message is a sentence for users. */
export class DivergenceError extends Error {
  override name = 'DivergenceError';
}

/** One report every so many steps. */
const REPORT_EVERY = 10;

/**
 * Trains a model with one output, the logits `[N, labels]`, in place: AdamW with a cosine schedule on random views, the
 * result being the moving average of the weights. What lies before the first trained weight runs as fast as in prediction.
 * Throws DivergenceError when the loss or a gradient stops being a number.
 */
export async function fitNetwork(
  model: OnnxModel,
  views: Views,
  labelling: Labelling,
  recipe: Recipe,
  seed: number,
  { onProgress, learningRateOf = () => 1, checkpoint: path }: FitOptions,
): Promise<void> {
  const { batch, mixing, labelSmoothing } = recipe;
  const shape = [batch, ...shapeOf(views)];
  const trainable = await makeTrainable(model, shape, (name) => learningRateOf(name) > 0);
  const { parameters, statistics } = trainable;
  const weights: Record<string, Feed> = Object.fromEntries(
    parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }]),
  );
  const optimizer = new AdamW(
    parameters.map(({ name, value, data }) => ({ data, shape: value.shape, rate: learningRateOf(name) })),
    recipe.adam,
  );
  // Statistics belong to the weights that they were taken with, and are averaged as those are.
  const tensors = [
    ...parameters.map(({ data }) => data),
    ...statistics.flatMap(({ runningMean, runningVariance }) => [runningMean, runningVariance]),
  ];
  const average = new MovingAverage(tensors, recipe.weightsDecay);
  const { labels, labelCount, exclusive } = labelling;
  const schedule = makeSchedule(recipe.views, batch, labels.length);
  const { steps, between } = schedule;
  const about = [recipe, seed, labelling];
  const checkpoint = new Checkpoint(path, about, { tensors, average, optimizer });
  const { steps: begin } = await checkpoint.resume();
  const step = await compileStep(trainable, labelling);
  const shown = { labels, labelCount, exclusive };
  const order = { views, labelling: shown, batch, mixing, labelSmoothing, schedule, begin, seed };
  let report = { loss: 0, steps: 0, since: performance.now() };
  let i = begin;
  try {
    for await (const { inputs, targets } of batches(order)) {
      if (i > begin && i % between === 0) await checkpoint.save(i);
      const result = await step.run({
        ...weights,
        [trainable.input.name]: { data: inputs, shape },
        targets: { data: targets, shape: [batch, labelCount] },
      });
      const loss = result.loss![0]!;
      const gradients = parameters.map((_, k) => result[`gradient${k}`]!);
      const norm = clipNorm(gradients, recipe.maximumNorm);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
        const what = Number.isFinite(loss) ? 'The gradients are' : 'The loss is';
        throw new DivergenceError(`${what} no longer a number at step ${i + 1} of ${steps}.`);
      }
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
      i++;
    }
    await checkpoint.save(steps);
    average.apply();
  } finally {
    await step.release();
  }
}

/** The graph of one step: from a batch to its mean loss, the gradients and the batch statistics. */
async function compileStep(
  { graph, input, output, parameters, statistics }: Trainable,
  { labelCount, exclusive }: Labelling,
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
