import type { Tensor } from 'onnxruntime-node';
import { openSession } from '../session.ts';
import type { Graph, Value } from './graph.ts';
import { lowerings } from './lower.ts';
import { type DataType, encodeModel, type OnnxModel, type OnnxNode, type TensorData } from './onnx.ts';

/** What to do with a weight tensor: give a value to use instead (an input), or undefined to keep it constant. */
export type Replace = (name: string, tensor: TensorData) => Value | undefined;

/**
 * Adds the nodes of a model to a graph whose shapes are all known: `inputs` gives a value for each input of the model.
 * Shape arithmetic is computed on the way. Returns every value of the model by its name.
 * Throws an Error that names the operator and the node when one is not in the operator table.
 */
export async function instantiate(
  g: Graph,
  model: OnnxModel,
  inputs: Record<string, Value>,
  replace: Replace = () => undefined,
): Promise<Map<string, Value>> {
  const values = new Map(Object.entries(inputs));
  const lookUp = (name: string): Value | undefined => {
    if (name === '') return undefined;
    const known = values.get(name);
    if (known) return known;
    const tensor = model.initializers.get(name);
    if (!tensor) throw new Error(`${name} is used before it is computed`);
    const made = replace(name, tensor) ?? g.constant(tensor);
    values.set(name, made);
    return made;
  };
  for (const node of model.nodes) {
    const given = node.inputs.map(lookUp);
    const outputs = await translate(g, model, node, given).catch((cause) => {
      throw new Error(`${node.type} (${node.outputs[0]}): ${(cause as Error).message}`, { cause });
    });
    node.outputs.forEach((name, i) => void values.set(name, outputs[i]!));
  }
  return values;
}

async function translate(
  g: Graph,
  model: OnnxModel,
  node: OnnxNode,
  given: (Value | undefined)[],
): Promise<Value[]> {
  const { type, attributes, outputs } = node;
  if (type === 'Shape') return [g.ints(given[0]!.shape.slice(...shapeRange(node, given[0]!)))];
  if (given.every((value) => value === undefined || g.constants.has(value)))
    return await fold(g, model, node, given);
  const lowering = Object.hasOwn(lowerings, type) ? lowerings[type] : undefined;
  if (lowering) return lowering(g, given, attributes, outputs.length);
  return g.add(
    type,
    given.filter((value) => value !== undefined),
    attributes,
  );
}

function shapeRange({ attributes }: OnnxNode, { shape }: Value): [number, number] {
  const { start = 0, end = shape.length } = attributes as { start?: number; end?: number };
  return [start, end];
}

/** Computes a node whose inputs are all constants, by ONNX Runtime itself. */
async function fold(
  g: Graph,
  model: OnnxModel,
  node: OnnxNode,
  given: (Value | undefined)[],
): Promise<Value[]> {
  const initializers = new Map(
    given.flatMap((value, i) => (value ? [[node.inputs[i]!, g.constants.get(value)!] as const] : [])),
  );
  const outputs = node.outputs.map((name) => ({ name }));
  const file = encodeModel({
    opset: model.opset,
    nodes: [node],
    initializers,
    inputs: [],
    outputs,
    metadata: {},
  });
  const session = await openSession(file);
  const results = await session.run({});
  await session.release();
  return node.outputs.map((name) => g.constant(toTensorData(results[name]!)));
}

function toTensorData({ type, dims, data }: Tensor): TensorData {
  return { type: type as DataType, shape: [...dims], data: data as TensorData['data'] };
}
