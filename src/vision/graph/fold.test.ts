import { expect, it } from 'vitest';
import { residualNetwork } from '../network.ts';
import { random } from '../random.ts';
import { Executable } from './executable.ts';
import { foldBatchNorm } from './fold.ts';
import { decodeModel, encodeModel, type OnnxModel } from './onnx.ts';

const shape = [2, 3, 32, 32];

async function logits(model: OnnxModel): Promise<Float32Array> {
  const executable = await Executable.compile(encodeModel(model));
  const next = random(2);
  const data = Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => next() - 0.5);
  const results = await executable.run({ image: { data, shape } });
  await executable.release();
  return results.logits!;
}

/** A network whose statistics and scales are anything but neutral. */
function network(): OnnxModel {
  const next = random(1);
  const model = residualNetwork({ widths: [8, 16], labels: 3 }, next);
  for (const { data, shape } of model.initializers.values()) {
    if (shape.length === 1 || shape[0] === 3) for (let i = 0; i < data.length; i++) data[i] = 0.5 + next();
  }
  return model;
}

it('computes the same without the batch normalisations', async () => {
  const model = network();
  const folded = foldBatchNorm(model);
  expect(folded.nodes.map(({ type }) => type)).not.toContain('BatchNormalization');
  expect(folded.initializers.size).toBeLessThan(model.initializers.size);
  const [before, after] = [await logits(model), await logits(folded)];
  before.forEach(
    (v, i) => void expect(Math.abs(after[i]! - v)).toBeLessThan(1e-4 * Math.max(1, Math.abs(v))),
  );
});

it('leaves the given model as it is, and survives writing and reading', async () => {
  const model = network();
  const before = Buffer.from(encodeModel(model));
  const folded = decodeModel(encodeModel(foldBatchNorm(model)));
  expect(Buffer.from(encodeModel(model)).equals(before)).toBe(true);
  expect(await logits(folded)).toEqual(await logits(foldBatchNorm(model)));
});
