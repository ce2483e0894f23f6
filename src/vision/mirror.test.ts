import { expect, it } from 'vitest';
import { Executable } from './graph/executable.ts';
import { foldBatchNorm } from './graph/fold.ts';
import { encodeModel, type OnnxModel } from './graph/onnx.ts';
import { withMirrorImages } from './mirror.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';

const SIDE = 32;
const PICTURE = 3 * SIDE * SIDE;
const LABELS = 3;
const network = residualNetwork({ widths: [8, 16], labels: LABELS }, random(1));
const next = random(2);
// Labels begin with weights of zero, and say the same of every picture.
for (const { data, shape } of network.initializers.values()) {
  if (shape[0] === LABELS) for (let i = 0; i < data.length; i++) data[i] = next();
}
const pictures = Float32Array.from({ length: 2 * PICTURE }, () => next() - 0.5);
const mirrored = pictures.map((_, i) => pictures[i - 2 * (i % SIDE) + SIDE - 1]!);

async function logits(model: OnnxModel, data: Float32Array): Promise<number[]> {
  const executable = await Executable.compile(encodeModel(model));
  try {
    const shape = [data.length / PICTURE, 3, SIDE, SIDE];
    return Array.from((await executable.run({ image: { data, shape } })).logits!);
  } finally {
    await executable.release();
  }
}

it.each([
  ['as it is trained', network],
  ['folded', foldBatchNorm(network)],
])('a network %s gives the mean of the logits of a picture and its mirror image', async (_, model) => {
  const own = await logits(network, pictures);
  const others = await logits(network, mirrored);
  const found = await logits(withMirrorImages(model, LABELS), pictures);
  expect(found).toHaveLength(2 * LABELS);
  expect(Math.abs(own[0]! - others[0]!)).toBeGreaterThan(1e-3);
  for (const [i, logit] of found.entries()) expect(logit).toBeCloseTo((own[i]! + others[i]!) / 2, 4);
});

it('so both get the same logits', async () => {
  const both = withMirrorImages(network, LABELS);
  const [own, others] = [await logits(both, pictures), await logits(both, mirrored)];
  for (const [i, logit] of own.entries()) expect(others[i]).toBeCloseTo(logit, 4);
});

it('leaves the given network as it is', () => {
  const before = Buffer.from(encodeModel(network));
  withMirrorImages(network, LABELS);
  expect(Buffer.from(encodeModel(network)).equals(before)).toBe(true);
});
