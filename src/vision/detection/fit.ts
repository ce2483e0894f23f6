import { Tensor } from 'onnxruntime-node';
import type { Normalization } from '../augment.ts';
import { Checkpoint, stepsBetweenStates } from '../checkpoint.ts';
import { DivergenceError } from '../fit.ts';
import type { OnnxModel } from '../graph/onnx.ts';
import { makeTrainable } from '../graph/trainable.ts';
import { MovingAverage, updateStatistics } from '../moving-average.ts';
import { AdamW, type AdamWOptions, clipNorm, cosineSchedule } from '../optimizer.ts';
import { detectionBatches } from './batches.ts';
import { detectionLoss } from './loss.ts';
import type { PictureFile } from './pictures.ts';
import { placesOf } from './pyramid.ts';
import { TwoPhaseStep } from './two-phase.ts';
import type { ViewOptions } from './views.ts';

/** Hyper-parameters of one optimisation. */
export interface DetectionRecipe {
  batch: number;
  /** Views shown in all, and side in pixels of each. */
  views: number;
  viewSize: number;
  view: ViewOptions;
  /** Share of the views, at the end, that are no mosaics. */
  plain: number;
  /** At its highest; `rateOf` scales it per weight. */
  learningRate: number;
  /** Share of the steps in which the learning rate rises. */
  warmup: number;
  adam: AdamWOptions;
  /** Common norm of the gradients above which they are scaled down. */
  maximumNorm: number;
  /** Shares of the old value that the moving averages of batch statistics and of weights keep at each step. */
  statisticsDecay: number;
  weightsDecay: number;
}

/** The training set. */
export interface DetectorPictures {
  file: PictureFile;
  /** Indices into the file. */
  records: readonly number[];
  /** Those of them that aren't shown until the last check. */
  held: readonly number[];
  labelCount: number;
}

/** One report every so many steps. */
const REPORT_EVERY = 10;
/** After these shares of the steps the loss is measured on pictures that haven't been shown: on so many batches of views. */
const CHECKS = [0.25, 0.5, 0.75];
const CHECK_BATCHES = 8;

/** How far a training is; losses are means since the last report, and of pictures that haven't been shown. */
export interface FitProgress {
  fraction: number;
  loss?: number;
  imagesPerSecond?: number;
  validationLoss?: number;
}

/**
 * Trains a detector (see `withDetector`, for views of `viewSize`) in place; the result is the moving average of the
 * weights. `rateOf` gives each weight a factor of the learning rate; 0 freezes it, and what lies before the first trained
 * weight runs as fast as in prediction. `path` is a file from which a training that was cut short goes on, to the same
 * weights bit for bit. Returns the loss of the last check, if there are pictures to check it with. Throws DivergenceError
 * when the loss stops being a number.
 */
export async function fitDetector(
  model: OnnxModel,
  pictures: DetectorPictures,
  normalization: Normalization,
  recipe: DetectionRecipe,
  seed: number,
  onProgress: (progress: FitProgress) => void,
  rateOf: (weight: string) => number,
  path?: string,
): Promise<number | undefined> {
  const { batch, viewSize } = recipe;
  const { graph, input, output, parameters, statistics } = await makeTrainable(
    model,
    [batch, 3, viewSize, viewSize],
    (name) => rateOf(name) > 0,
  );
  const means = statistics.flatMap(({ mean, variance }) => [mean, variance]);
  const step = await TwoPhaseStep.compile(
    graph,
    output,
    parameters.map(({ value }) => value),
    means,
  );
  const weights = Object.fromEntries(
    parameters.map(({ value, data }) => [value.name, new Tensor('float32', data, value.shape as number[])]),
  );
  const optimizer = new AdamW(
    parameters.map(({ name, value, data }) => ({ data, shape: value.shape, rate: rateOf(name) })),
    recipe.adam,
  );
  const trained = parameters.map(({ data }) => data);
  const average = new MovingAverage(trained, recipe.weightsDecay);
  const places = placesOf(viewSize, viewSize);
  const steps = Math.ceil(recipe.views / batch);
  const order = {
    file: pictures.file.source,
    normalization,
    batch,
    viewSize,
    view: recipe.view,
    plainFrom: steps * (1 - recipe.plain),
  };
  const toImages = (data: Float32Array) => new Tensor('float32', data, [batch, 3, viewSize, viewSize]);
  const validate = async () => {
    const shown = [{ from: 0, records: pictures.held, seed: seed + 1 }];
    let sum = 0;
    average.swap();
    for await (const { images, boxes } of detectionBatches({
      ...order,
      shown,
      plainFrom: 0,
      end: CHECK_BATCHES,
    })) {
      const { output: predictions } = await step.forward({ ...weights, [input.name]: toImages(images) });
      sum += detectionLoss(predictions, pictures.labelCount, places, boxes).total;
    }
    average.swap();
    return sum / CHECK_BATCHES;
  };
  const checks = pictures.held.length > 0 ? CHECKS.map((share) => Math.floor(share * steps)) : [];
  const held = new Set(pictures.held);
  const first = pictures.records.filter((record) => checks.length === 0 || !held.has(record));
  const between = stepsBetweenStates(steps, pictures.records.length, batch);
  const isMilestone = (i: number) => i % between === 0 || i === checks.at(-1) || i === steps;
  const tensors = [
    ...trained,
    ...statistics.flatMap(({ runningMean, runningVariance }) => [runningMean, runningVariance]),
  ];
  const checkpoint = new Checkpoint(path, [recipe, seed, pictures, between], { tensors, average, optimizer });
  const resumed = await checkpoint.resume();
  const begin = resumed.steps;
  let { validationLoss } = resumed;
  const milestones = Array.from({ length: steps - begin }, (_, k) => begin + k).filter(isMilestone);
  const shown = milestones.map((from) => ({
    from,
    records: from < (checks.at(-1) ?? 0) ? first : pictures.records,
    seed: seed + 2 + from,
  }));
  let report = { loss: 0, steps: 0, since: performance.now() };
  let i = begin;
  for await (const { images, boxes } of detectionBatches({ ...order, shown, end: steps })) {
    if (i > begin && isMilestone(i)) await checkpoint.save(i, validationLoss);
    const { output: predictions, values } = await step.forward({
      ...weights,
      [input.name]: toImages(images),
    });
    const loss = detectionLoss(predictions, pictures.labelCount, places, boxes);
    const gradients = await step.backward(loss.gradient);
    const norm = clipNorm(gradients, recipe.maximumNorm);
    if (!Number.isFinite(loss.total) || !Number.isFinite(norm)) {
      const what = Number.isFinite(loss.total) ? 'The gradients are' : 'The loss is';
      throw new DivergenceError(`${what} no longer a number at step ${i + 1} of ${steps}.`);
    }
    optimizer.step(gradients, recipe.learningRate * cosineSchedule((i + 1) / steps, recipe.warmup));
    const found = statistics.flatMap(({ mean, variance }, k) => [
      [`mean${k}`, values[mean.name]!],
      [`variance${k}`, values[variance.name]!],
    ]);
    // A plain mean at first, so that the start values don't linger.
    updateStatistics(statistics, Object.fromEntries(found), Math.min(recipe.statisticsDecay, i / (i + 1)));
    average.update(i);
    report.loss += loss.total;
    report.steps++;
    if (report.steps === REPORT_EVERY || i + 1 === steps) {
      const imagesPerSecond = (1000 * report.steps * batch) / (performance.now() - report.since);
      onProgress({ fraction: (i + 1) / steps, loss: report.loss / report.steps, imagesPerSecond });
      report = { loss: 0, steps: 0, since: performance.now() };
    }
    if (checks.includes(i + 1)) {
      validationLoss = await validate();
      onProgress({ fraction: (i + 1) / steps, validationLoss });
      report.since = performance.now();
    }
    i++;
  }
  await checkpoint.save(steps, validationLoss);
  average.apply();
  await step.release();
  return validationLoss;
}
