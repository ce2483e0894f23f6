import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Normalization } from './augment.ts';
import { Executable } from './graph/executable.ts';
import { decodeModel, encodeModel, type OnnxModel, type OnnxNode, type OnnxValue } from './graph/onnx.ts';
import { upTo } from './needed.ts';

/** What must be said of a backbone beside its ONNX file. */
export const BackboneDescription = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9._-]{1,64}$/),
  /** Side in pixels of the square input. */
  inputSize: z.int().min(16).max(1024),
  /** Per channel (RGB), on pixel values scaled to 0–1. */
  mean: z.array(z.number()).length(3),
  std: z.array(z.number().positive()).length(3),
  /** The output that holds the features; the first one when absent. */
  output: z.string().optional(),
  /** How `[N, C, H, W]` or `[N, tokens, C]` becomes `[N, C]`: the mean over places, or the first token. */
  pool: z.enum(['mean', 'first']).optional(),
});
export type BackboneDescription = z.infer<typeof BackboneDescription>;

/** Its number in TensorProto.DataType. */
const FLOAT32 = 1;

/** A network that turns pictures into features, from `image` `[N, 3, size, size]` to `features` `[N, width]`. */
export interface Backbone {
  name: string;
  /** SHA-256 of the ONNX file, hexadecimal. */
  checksum: string;
  model: OnnxModel;
  inputSize: number;
  normalization: Normalization;
  /** Number of features. */
  width: number;
}

/**
 * Makes a backbone of an ONNX file and its description, and runs it once on an empty picture.
 * Throws an Error that says what doesn't fit.
 */
export async function openBackbone(file: Uint8Array, description: BackboneDescription): Promise<Backbone> {
  const { name, inputSize, mean, std } = description;
  const model = withoutCasts(decodeModel(file));
  if (model.inputs.length !== 1)
    throw new Error(`A backbone has one input; this file has ${model.inputs.length}`);
  checkInput(model.inputs[0]!, inputSize);
  const output = description.output ?? model.outputs[0]!.name;
  if (!model.outputs.some((each) => each.name === output)) {
    const names = model.outputs.map((each) => each.name).join(', ');
    throw new Error(`The file has no output ${output}; it has ${names}`);
  }
  const shape = await outputShape(model, output, inputSize);
  if (shape[0] !== 2)
    throw new Error('The batch size is fixed in the file: export it with an open batch dimension');
  const features = withFeatures(model, output, shape.length, description.pool);
  const width = shape.length === 4 ? shape[1]! : shape.at(-1)!;
  const checksum = createHash('sha256').update(file).digest('hex');
  return { name, checksum, model: features, inputSize, normalization: { mean, std }, width };
}

/** Weights in half precision, which are read as single, lie behind a Cast: what it gives becomes the weight. */
function withoutCasts(model: OnnxModel): OnnxModel {
  const initializers = new Map(model.initializers);
  const nodes = model.nodes.filter(({ type, inputs, outputs, attributes }) => {
    const tensor = initializers.get(inputs[0]!);
    if (type !== 'Cast' || attributes.to !== FLOAT32 || tensor?.type !== 'float32') return true;
    initializers.set(outputs[0]!, { ...tensor, data: tensor.data.slice() });
    return false;
  });
  return { ...model, nodes, initializers };
}

/** Refuses what the file itself says of its input; a size of 0 is one that it doesn't say. */
function checkInput({ name, tensor }: OnnxValue, size: number): void {
  if (!tensor) return;
  const { type, shape } = tensor;
  if (type !== 'float32' || (shape.length > 0 && shape.length !== 4)) {
    throw new Error(
      `The input ${name} is ${type} [${shape}]; a backbone takes float32 [N, 3, height, width]`,
    );
  }
  const [batch, channels, ...sides] = shape.map((dimension) =>
    typeof dimension === 'number' ? dimension : 0,
  );
  if (batch) throw new Error('The batch size is fixed in the file: export it with an open batch dimension');
  if (channels && channels !== 3) {
    throw new Error(`The input ${name} has ${channels} channels; a backbone takes [N, 3, height, width]`);
  }
  if (sides.some((side) => side && side !== size)) {
    throw new Error(`The file takes pictures of ${sides.join(' x ')}, and not of the inputSize ${size}`);
  }
}

/** The shape of an output for two pictures of `size` × `size` pixels. Throws an Error where the model doesn't run on them. */
export async function outputShape(
  model: OnnxModel,
  output: string,
  size: number,
): Promise<readonly number[]> {
  const executable = await Executable.compile(encodeModel(model));
  const shape = [2, 3, size, size];
  try {
    const shapes = await executable.shapes({
      [model.inputs[0]!.name]: { data: new Float32Array(2 * 3 * size * size), shape },
    });
    return shapes[output]!;
  } catch (cause) {
    throw new Error(
      `The file does not run on two pictures of ${size} x ${size}: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    await executable.release();
  }
}

/** The model with `image` as its input and the pooled `features` as its only output. */
function withFeatures(
  model: OnnxModel,
  output: string,
  rank: number,
  pool = rank === 3 ? 'first' : 'mean',
): OnnxModel {
  const input = model.inputs[0]!.name;
  // Names of its own, so that none meets the names of what is put around it.
  const own = (name: string) => (name === '' ? '' : name === input ? 'image' : `backbone.${name}`);
  const nodes = model.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(own),
    outputs: node.outputs.map(own),
  }));
  const initializers = new Map([...model.initializers].map(([name, tensor]) => [own(name), tensor]));
  const all = [...nodes, ...poolingNodes(own(output), rank, pool, initializers)];
  // Without what lies behind other outputs: it would cost time, and its weights couldn't be trained.
  return upTo('features', {
    ...model,
    nodes: all,
    initializers,
    inputs: [{ ...model.inputs[0]!, name: 'image' }],
  });
}

function poolingNodes(
  output: string,
  rank: number,
  pool: string,
  initializers: OnnxModel['initializers'],
): OnnxNode[] {
  const node = (
    type: string,
    inputs: string[],
    result = 'features',
    attributes: OnnxNode['attributes'] = {},
  ) => ({
    type,
    inputs,
    outputs: [result],
    attributes,
  });
  if (rank === 2) return [node('Identity', [output])];
  if (rank === 4) {
    return [
      node('GlobalAveragePool', [output], 'pooled'),
      node('Flatten', ['pooled'], 'features', { axis: 1 }),
    ];
  }
  if (rank !== 3) throw new Error(`The output ${output} has ${rank} dimensions; features have 2, 3 or 4`);
  if (pool === 'first') {
    initializers.set('first-token', { type: 'int64', shape: [], data: BigInt64Array.of(0n) });
    return [node('Gather', [output, 'first-token'], 'features', { axis: 1 })];
  }
  initializers.set('token-axis', { type: 'int64', shape: [1], data: BigInt64Array.of(1n) });
  return [node('ReduceMean', [output, 'token-axis'], 'features', { keepdims: 0 })];
}
