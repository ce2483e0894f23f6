import { stepsBetweenStates } from './checkpoint.ts';
import type { Labelling } from './fit.ts';
import { sizeOf } from './graph/graph.ts';
import { mixBatch } from './mixing.ts';
import { random } from './random.ts';
import { BALANCING, drawing } from './sampling.ts';
import { inThread } from './thread.ts';
import { openViews, shapeOf, type Views } from './views.ts';

/** What is shown in an optimisation, and when. */
export interface BatchOrder {
  views: Views;
  labelling: Labelling;
  batch: number;
  mixing: number;
  labelSmoothing: number;
  schedule: Schedule;
  /** The first step: earlier ones were done before the training was cut short. */
  begin: number;
  seed: number;
}

/** The pictures of one step. */
export interface Batch {
  /** `[batch, …shape of a view]` */
  inputs: Float32Array;
  /** `[batch, labels]` */
  targets: Float32Array;
}

/** Steps in all, and between two milestones: there pictures are drawn anew, and an optimisation that was cut short goes on. */
export interface Schedule {
  steps: number;
  between: number;
}

export function makeSchedule(views: number, batch: number, pictures: number): Schedule {
  const steps = Math.ceil(views / batch);
  return { steps, between: stepsBetweenStates(steps, pictures, batch) };
}

/** The batches from step `begin` to the last, made in a thread of their own: the pictures in random order, again and again. */
export function batches(order: BatchOrder): AsyncGenerator<Batch, void> {
  return inThread(import.meta.url, order);
}

/** What runs in that thread. What comes after a milestone depends on nothing before. */
export default async function* makeBatches({
  views,
  begin,
  seed,
  ...order
}: BatchOrder): AsyncGenerator<Batch, void> {
  const { labelling, schedule, batch, mixing } = order;
  const { labels } = labelling;
  const pictures = labels.map((_, i) => i);
  const shape = shapeOf(views);
  const size = sizeOf(shape);
  const source = await openViews(views);
  let next = random(seed);
  let draw = (): number => 0;
  try {
    for (let step = begin; step < schedule.steps; step++) {
      if (step % schedule.between === 0) {
        next = random(seed + step);
        draw = drawing(pictures, labels, BALANCING, next);
      }
      const inputs = new Float32Array(batch * size);
      const shown = Array.from({ length: batch }, () => draw());
      for (const [k, index] of shown.entries()) {
        await source.fill(index, inputs.subarray(k * size, (k + 1) * size), next);
      }
      const targets = targetsOf(shown, order);
      if (next() < mixing) mixBatch(inputs, targets, batch, shape.at(-1)!, next);
      yield { inputs, targets };
    }
  } finally {
    await source.close();
  }
}

/** `[batch, labels]` of zeros and ones, smoothed. */
function targetsOf(
  shown: readonly number[],
  { labelling, labelSmoothing: smoothing }: Pick<BatchOrder, 'labelling' | 'labelSmoothing'>,
): Float32Array {
  const { labels, labelCount, exclusive } = labelling;
  const spread = exclusive ? smoothing / labelCount : smoothing / 2;
  const targets = new Float32Array(shown.length * labelCount).fill(spread);
  for (const [k, index] of shown.entries()) {
    for (const label of labels[index]!) targets[k * labelCount + label] = 1 - smoothing + spread;
  }
  return targets;
}
