import { expect, it } from 'vitest';
import { type BackboneDescription, openBackbone } from './backbone.ts';
import { fineTuningGap } from './coverage.ts';
import { encodeModel, type OnnxModel, type OnnxNode } from './graph/onnx.ts';
import { residualNetwork } from './network.ts';
import { random } from './random.ts';

const description: BackboneDescription = { name: 'tiny', inputSize: 32, mean: [0, 0, 0], std: [1, 1, 1] };
const network = residualNetwork({ widths: [8, 16], labels: 12 }, random(4));

/** The network with one more operator on its output. */
function followedBy(type: string): OnnxModel {
  const node: OnnxNode = { type, inputs: [network.outputs[0]!.name], outputs: ['end'], attributes: {} };
  return { ...network, nodes: [...network.nodes, node], outputs: [{ name: 'end' }] };
}

const gapOf = async (model: OnnxModel, output?: string) =>
  await fineTuningGap(await openBackbone(encodeModel(model), { ...description, ...(output && { output }) }));

it('covers a network of known operators', async () => {
  expect(await gapOf(network)).toBeUndefined();
});

it('names the operator that is not in the table', async () => {
  expect(await gapOf(followedBy('Mish'))).toBe(
    'Mish (backbone.end): The operator Mish is not in the operator table',
  );
});

it('does not look at what lies behind the output that is used', async () => {
  const model = followedBy('Mish');
  const before = network.outputs[0]!;
  expect(await gapOf({ ...model, outputs: [...model.outputs, before] }, before.name)).toBeUndefined();
});
