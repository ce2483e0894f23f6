import { Executable } from './graph/executable.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { type Looks, looksAtEach, looksInBatches } from './looks.ts';

/**
 * Runs a model on looks at pictures. `take` is given the place of a batch's first look and the batch's outputs by name, `[looks, …]`;
 * `onProgress` a fraction.
 */
export async function runOnLooks(
  model: OnnxModel,
  looks: Looks,
  take: (from: number, outputs: Record<string, Float32Array>) => void | Promise<void>,
  onProgress: (fraction: number) => void = () => {},
): Promise<void> {
  const { side, records } = looks;
  const executable = await Executable.compile(encodeModel(model));
  try {
    let from = 0;
    for await (const { images } of looksInBatches(looks)) {
      const count = images.length / (3 * side * side);
      await take(from, await executable.run({ image: { data: images, shape: [count, 3, side, side] } }));
      from += count;
      onProgress(from / (records.length * looksAtEach(looks)));
    }
  } finally {
    await executable.release();
  }
}

/** The same in memory: the one output, `[looks, width]`. */
export async function outputsOfLooks(model: OnnxModel, looks: Looks, width: number): Promise<Float32Array> {
  const results = new Float32Array(looks.records.length * looksAtEach(looks) * width);
  const output = model.outputs[0]!.name;
  await runOnLooks(model, looks, (from, outputs) => void results.set(outputs[output]!, from * width));
  return results;
}
