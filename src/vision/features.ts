import { type AugmentOptions, type Normalization, randomView, wholeView } from './augment.ts';
import { Executable } from './graph/executable.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { resizeSquare } from './image.ts';
import type { PixelFile } from './pixels.ts';
import { random } from './random.ts';

const BATCH = 32;

/** One view of a picture: the whole of it, or a random one. */
export interface View {
  record: number;
  /** Seed of a random view; the whole picture when absent. */
  seed?: number;
}

/** Views of pictures as a network takes them. */
export interface ViewSource {
  pixels: PixelFile;
  count: number;
  view(i: number): View;
  /** Side in pixels. */
  side: number;
  normalization: Normalization;
  augment: AugmentOptions;
}

/**
 * Runs a model on views. `take` is given the place of a batch's first view and the batch's outputs by name, `[views, …]`;
 * `onProgress` a fraction.
 */
export async function runOnViews(
  model: OnnxModel,
  source: ViewSource,
  take: (from: number, outputs: Record<string, Float32Array>) => void | Promise<void>,
  onProgress: (fraction: number) => void = () => {},
): Promise<void> {
  const executable = await Executable.compile(encodeModel(model));
  try {
    let next = await prepare(source, 0);
    for (let from = 0; from < source.count; from += BATCH) {
      // The next batch is made while ONNX Runtime computes this one on its own threads.
      const [outputs, following] = await Promise.all([
        executable.run({ image: next }),
        prepare(source, from + BATCH),
      ]);
      await take(from, outputs);
      next = following;
      onProgress(Math.min(1, (from + BATCH) / source.count));
    }
  } finally {
    await executable.release();
  }
}

/** The same in memory: the one output, `[views, width]`. */
export async function outputsOfViews(
  model: OnnxModel,
  source: ViewSource,
  width: number,
): Promise<Float32Array> {
  const results = new Float32Array(source.count * width);
  const output = model.outputs[0]!.name;
  await runOnViews(model, source, (from, outputs) => void results.set(outputs[output]!, from * width));
  return results;
}

/** The batch that begins with view `from`, `[views, 3, side, side]`. */
async function prepare({ pixels, count, view, side, normalization, augment }: ViewSource, from: number) {
  const views = Math.max(0, Math.min(BATCH, count - from));
  const size = 3 * side * side;
  const data = new Float32Array(views * size);
  for (let k = 0; k < views; k++) {
    const { record, seed } = view(from + k);
    const source = await pixels.read(record);
    const target = data.subarray(k * size, (k + 1) * size);
    if (seed === undefined) {
      wholeView(await resizeSquare(source, pixels.size, side), target, side, normalization);
    } else randomView(source, pixels.size, target, side, normalization, augment, random(seed));
  }
  return { data, shape: [views, 3, side, side] };
}
