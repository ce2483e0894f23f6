import { expect, it } from 'vitest';
import { findFeatureMaps, findFineMap, fineWeights } from './feature-maps.ts';
import { weightNames } from './graph/trainable.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';

const network = (widths: number[]) => residualNetwork({ widths, labels: 2 }, random(1));

it('finds the maps of a network and the weights that make what is finer', async () => {
  const model = network([8, 16, 24, 32]);
  expect((await findFeatureMaps(model))!.map(({ channels }) => channels)).toEqual([16, 24, 32]);
  const fine = await fineWeights(model);
  expect(fine.size).toBeGreaterThan(0);
  expect(fine.size).toBeLessThan(weightNames(model).size / 2);
});

it('a way back up does not count as fine', async () => {
  const model = network([8, 16, 24, 32]);
  const fine = await findFineMap(model);
  const shape = { type: 'float32', shape: [8, 16, 2, 2], data: new Float32Array(512) } as const;
  const [coarse] = (await findFeatureMaps(model))!;
  const up = {
    type: 'ConvTranspose',
    inputs: [coarse!.name, 'up'],
    outputs: ['back'],
    attributes: { strides: [2, 2] },
  };
  const initializers = new Map([...model.initializers, ['up', { ...shape, shape: [16, 8, 2, 2] }] as const]);
  const longer = { ...model, nodes: [...model.nodes, up], initializers };
  expect(await findFineMap(longer)).toBe(fine);
});

it('there is none in a network that ends at that stride', async () => {
  expect(await findFineMap(network([8]))).toBeUndefined();
  expect(await findFeatureMaps(network([8]))).toBeUndefined();
});
