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

/** The network behind a padding of its pictures. */
function padded(pads: number[], mode: string): OnnxModel {
  const [image] = network.inputs;
  const data = BigInt64Array.from(pads, BigInt);
  const pad: OnnxNode = {
    type: 'Pad',
    inputs: [image!.name, 'pads'],
    outputs: ['padded'],
    attributes: { mode },
  };
  const rename = (name: string) => (name === image!.name ? 'padded' : name);
  const nodes = network.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }));
  const initializers = new Map([...network.initializers, ['pads', { type: 'int64', shape: [8], data }]]);
  return { ...network, nodes: [pad, ...nodes], initializers: initializers as OnnxModel['initializers'] };
}

it('covers padding with zeros', async () => {
  expect(await gapOf(padded([0, 0, 0, 0, 0, 0, 1, 1], 'constant'))).toBeUndefined();
});

it.each([
  ['with what lies at the edge', [0, 0, 1, 1, 0, 0, 1, 1], 'reflect'],
  ['that takes something away', [0, 0, -1, -1, 0, 0, 1, 1], 'constant'],
])('does not cover padding %s', async (_what, pads, mode) => {
  expect(await gapOf(padded(pads, mode))).toBe('Pad (backbone.padded): Pad is supported with zeros only');
});
