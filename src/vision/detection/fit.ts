import { Tensor } from 'onnxruntime-node';
import type { Normalization } from '../augment.ts';
import type { LabelledBox } from '../boxes.ts';
import { DivergenceError } from '../fit.ts';
import type { OnnxModel } from '../graph/onnx.ts';
import { makeTrainable } from '../graph/trainable.ts';
import { MovingAverage, updateStatistics } from '../moving-average.ts';
import { AdamW, type AdamWOptions, clipNorm, cosineSchedule } from '../optimizer.ts';
import { permutation, random } from '../random.ts';
import { detectionLoss } from './loss.ts';
import type { PictureFile } from './pictures.ts';
import { placesOf } from './pyramid.ts';
import { TwoPhaseStep } from './two-phase.ts';
import { drawView, type ViewOptions } from './views.ts';

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
  labelCount: number;
}

/** One report every so many steps. */
const REPORT_EVERY = 10;

/**
 * Trains a detector (see `withDetector`, for views of `viewSize`) in place; the result is the moving average of the
 * weights. `rateOf` gives each weight a factor of the learning rate; 0 freezes it, and what lies before the first trained
 * weight runs as fast as in prediction. Throws DivergenceError when the loss stops being a number.
 */
export async function fitDetector(
  model: OnnxModel,
  pictures: DetectorPictures,
  normalization: Normalization,
  recipe: DetectionRecipe,
  seed: number,
  onProgress: (progress: { fraction: number; loss: number; imagesPerSecond: number }) => void,
  rateOf: (weight: string) => number,
): Promise<void> {
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
  const average = new MovingAverage(
    parameters.map(({ data }) => data),
    recipe.weightsDecay,
  );
  const places = placesOf(viewSize, viewSize);
  const steps = Math.ceil(recipe.views / batch);
  const batches = batchStream(pictures, normalization, recipe, steps, seed);
  let next = (await batches.next()).value;
  let report = { loss: 0, steps: 0, since: performance.now() };
  for (let i = 0; i < steps; i++) {
    const { output: predictions, values } = await step.forward({ ...weights, [input.name]: next.images });
    const loss = detectionLoss(predictions, pictures.labelCount, places, next.boxes);
    // The next batch is made while ONNX Runtime computes this one's gradients on its own threads.
    const [gradients, following] = await Promise.all([step.backward(loss.gradient), batches.next()]);
    next = following.value;
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
  }
  average.apply();
  await step.release();
}

interface Batch {
  images: Tensor;
  /** Per view, in pixels. */
  boxes: LabelledBox[][];
}

/** Endless batches of random views: the pictures in random order, again and again. */
async function* batchStream(
  { file, records }: DetectorPictures,
  normalization: Normalization,
  { batch, viewSize: side, view, plain }: DetectionRecipe,
  steps: number,
  seed: number,
): AsyncGenerator<Batch, never> {
  const next = random(seed);
  let order = permutation(records.length, next);
  let position = 0;
  const draw = async () => {
    if (position === order.length) {
      order = permutation(records.length, next);
      position = 0;
    }
    return await file.read(records[order[position++]!]!);
  };
  const size = 3 * side * side;
  for (let step = 0; ; step++) {
    const options = step < steps * (1 - plain) ? view : { ...view, mosaic: 0 };
    const data = new Float32Array(batch * size);
    const boxes: LabelledBox[][] = [];
    for (let k = 0; k < batch; k++) {
      const target = data.subarray(k * size, (k + 1) * size);
      boxes.push(await drawView(draw, target, side, normalization, options, next));
    }
    yield { images: new Tensor('float32', data, [batch, 3, side, side]), boxes };
  }
}
