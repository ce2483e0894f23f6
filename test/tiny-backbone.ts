import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeModel, type OnnxNode } from '../src/vision/graph/onnx.ts';
import { residualNetwork } from '../src/vision/network.ts';
import { random } from '../src/vision/random.ts';

/** Writes a small backbone, described beside it, and returns its path; with `end`, that operator is its last. */
export async function putBackbone(
  directory: string,
  name: string,
  seed: number,
  end?: string,
): Promise<string> {
  const network = residualNetwork({ widths: [8, 16], labels: 12 }, random(seed));
  const node = (type: string): OnnxNode => ({ type, inputs: ['logits'], outputs: ['end'], attributes: {} });
  const model = end
    ? { ...network, nodes: [...network.nodes, node(end)], outputs: [{ name: 'end' }] }
    : network;
  const path = join(directory, `${name}.onnx`);
  await writeFile(path, encodeModel(model));
  const description = { name, inputSize: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  await writeFile(join(directory, `${name}.json`), JSON.stringify(description));
  return path;
}
