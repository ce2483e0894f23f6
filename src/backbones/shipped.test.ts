import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fineTuningGap } from '../vision/coverage.ts';
import { Executable } from '../vision/graph/executable.ts';
import { encodeModel } from '../vision/graph/onnx.ts';
import { Backbones } from './library.ts';

const backbones = new Backbones('');
const { name, checksum, bytes, folder } = await backbones.shipped();
const { model, width, inputSize } = await backbones.open({ name, checksum });

it('is small, and its card is of this file', async () => {
  expect(bytes).toBeLessThanOrEqual(12_000_000);
  const card = JSON.parse(await readFile(join(folder, 'card.json'), 'utf8'));
  expect(card).toMatchObject({ name, sha256: checksum, bytes, features: width, inputSize });
  const text = await readFile(join(folder, 'README.md'), 'utf8');
  for (const word of [name, checksum, ...card.sources.flatMap((each: { name: string }) => each.name)]) {
    expect(text).toContain(word);
  }
});

it('can be fine-tuned, in single precision', async () => {
  expect(await fineTuningGap(await backbones.open({ name, checksum }))).toBeUndefined();
  expect(model.nodes.map(({ type }) => type)).not.toContain('Cast');
});

it('has maps at strides 8, 16 and 32 on the way to its features', async () => {
  const strides = [8, 16, 32];
  const outputs = strides.map((stride) => ({ name: `backbone.stride${stride}` }));
  const executable = await Executable.compile(
    encodeModel({ ...model, outputs: [...model.outputs, ...outputs] }),
  );
  const side = 96;
  const shapes = await executable.shapes({
    image: { data: new Float32Array(3 * side * side), shape: [1, 3, side, side] },
  });
  await executable.release();
  expect(shapes.features).toEqual([1, width]);
  for (const [i, stride] of strides.entries()) {
    expect(shapes[outputs[i]!.name]!.slice(2)).toEqual([side / stride, side / stride]);
  }
});
