import type { Normalization } from '../augment.ts';
import type { LabelledBox } from '../boxes.ts';
import { permutation, random } from '../random.ts';
import { inThread } from '../thread.ts';
import { PictureFile, type PictureSource } from './pictures.ts';
import { drawView, type ViewOptions } from './views.ts';

/** What is shown in a detector's optimisation, and when. */
export interface DetectionBatchOrder {
  file: PictureSource;
  /** Indices into the file: which pictures are shown from a step on, in order of the steps. */
  shown: readonly { from: number; records: readonly number[]; seed: number }[];
  normalization: Normalization;
  batch: number;
  /** Side in pixels. */
  viewSize: number;
  view: ViewOptions;
  /** From this step on there are no mosaics. */
  plainFrom: number;
  /** The steps from the first of `shown` to this one. */
  end: number;
}

/** The pictures of one step. */
export interface DetectionBatch {
  /** `[batch, 3, viewSize, viewSize]` */
  images: Float32Array;
  /** Per view, in pixels. */
  boxes: LabelledBox[][];
}

/** Batches of random views, made in a thread of their own: the pictures in random order, again and again. */
export function detectionBatches(order: DetectionBatchOrder): AsyncGenerator<DetectionBatch, void> {
  return inThread(import.meta.url, order);
}

/** What runs in that thread. What is shown from a step on depends on nothing before. */
export default async function* makeBatches({
  shown,
  normalization,
  batch,
  viewSize: side,
  view,
  plainFrom,
  end,
  ...order
}: DetectionBatchOrder): AsyncGenerator<DetectionBatch, void> {
  const file = await PictureFile.open(order.file);
  const size = 3 * side * side;
  try {
    for (const [k, { from, records, seed }] of shown.entries()) {
      const next = random(seed);
      const draw = shuffled(records, next);
      for (let step = from; step < (shown[k + 1]?.from ?? end); step++) {
        const options = step < plainFrom ? view : { ...view, mosaic: undefined };
        const images = new Float32Array(batch * size);
        const boxes: LabelledBox[][] = [];
        for (let i = 0; i < batch; i++) {
          const target = images.subarray(i * size, (i + 1) * size);
          const picture = async () => await file.read(draw());
          boxes.push(await drawView(picture, target, side, normalization, options, next));
        }
        yield { images, boxes };
      }
    }
  } finally {
    await file.close();
  }
}

/** Draws values in random order, all of them before any comes again. */
function shuffled(values: readonly number[], next: () => number): () => number {
  let order = permutation(values.length, next);
  let position = 0;
  return () => {
    if (position === order.length) {
      order = permutation(values.length, next);
      position = 0;
    }
    return values[order[position++]!]!;
  };
}
