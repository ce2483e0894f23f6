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

/**
 * Runs a model with one output on views of pictures and returns its outputs, `[views, width]`.
 * `width` is the number of values per picture; `side` that of pixels per side.
 */
export async function runOnViews(
  model: OnnxModel,
  width: number,
  pixels: PixelFile,
  views: readonly View[],
  side: number,
  normalization: Normalization,
  augment: AugmentOptions,
  onProgress: (fraction: number) => void = () => {},
): Promise<Float32Array> {
  const executable = await Executable.compile(encodeModel(model));
  const output = model.outputs[0]!.name;
  const results = new Float32Array(views.length * width);
  const size = 3 * side * side;
  const prepare = async (from: number) => {
    const batch = views.slice(from, from + BATCH);
    const data = new Float32Array(batch.length * size);
    for (const [k, { record, seed }] of batch.entries()) {
      const source = await pixels.read(record);
      const target = data.subarray(k * size, (k + 1) * size);
      if (seed === undefined)
        wholeView(await resizeSquare(source, pixels.size, side), target, side, normalization);
      else randomView(source, pixels.size, target, side, normalization, augment, random(seed));
    }
    return { data, shape: [batch.length, 3, side, side] };
  };
  let next = await prepare(0);
  for (let from = 0; from < views.length; from += BATCH) {
    // The next batch is made while ONNX Runtime computes this one on its own threads.
    const [result, following] = await Promise.all([executable.run({ image: next }), prepare(from + BATCH)]);
    results.set(result[output]!, from * width);
    next = following;
    onProgress(Math.min(1, (from + BATCH) / views.length));
  }
  await executable.release();
  return results;
}
