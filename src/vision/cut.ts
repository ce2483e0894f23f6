import { Graph, type Node, sizeOf, type Value } from './graph/graph.ts';
import { instantiate } from './graph/instantiate.ts';
import type { OnnxModel, OnnxValue, TensorData } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';

/** A place where a model can be cut in two: every path from the input to the output goes through this one value. */
export interface Cut {
  /** Of the value. */
  name: string;
  /** Of one picture's value, without the batch. */
  shape: readonly number[];
  /** Work per picture after it, as in {@link Anatomy}. */
  workAfter: number;
}

/** A model that is known at a batch size. */
export interface Anatomy {
  /** Multiplications of convolutions and matrix products per picture. */
  multiplications: number;
  /**
   * The same as a measure of the time that training takes: as its graph has them (see `winograd`), those of convolutions in groups
   * {@link GROUPED}-fold.
   */
  work: number;
  /** In their order: blocks' ends, the places between the layers of a chain. */
  cuts: Cut[];
  /** What the model computes from nothing but sizes and constants. */
  constants: Map<string, TensorData>;
}

/** Time of a multiplication of a convolution in groups, in a training step, as a multiple of that of others (docs/decisions.md). */
const GROUPED = 20;

/**
 * Finds the places where a model of one input and one output can be cut, and how much work lies behind each.
 * `inputShape` has the batch size first. Throws an Error that names the first operator that is not in the operator table.
 */
export async function dissect(model: OnnxModel, inputShape: readonly number[]): Promise<Anatomy> {
  const batch = inputShape[0]!;
  const plain = new Graph(model.opset);
  const known = await instantiate(plain, model, inputOf(plain, model, inputShape));
  const constants = [...known].flatMap(([name, value]) => {
    const tensor = plain.constants.get(value);
    return tensor ? [[name, tensor] as const] : [];
  });

  const graph = new Graph(model.opset);
  const inputs = inputOf(graph, model, inputShape);
  const weights = weightNames(model);
  const values = await instantiate(graph, model, inputs, (name, { shape }) =>
    weights.has(name) ? graph.input(name, shape) : undefined,
  );
  const work = graph.nodes.map((node) => (multiplicationsOf(node) / batch) * (isGrouped(node) ? GROUPED : 1));
  // Of a value with several names the first: what has the others lies behind it.
  const names = new Map([...values].reverse().map(([name, value]) => [value, name]));
  const lastUse = new Map(graph.nodes.flatMap(({ inputs }, i) => inputs.map((value) => [value, i])));
  let workAfter = sum(work);
  const cuts: Cut[] = [];
  const live = new Set<Value>(Object.values(inputs));
  for (const [i, { inputs, outputs }] of graph.nodes.entries()) {
    for (const value of outputs) if (lastUse.has(value)) live.add(value);
    for (const value of inputs) if (lastUse.get(value) === i) live.delete(value);
    workAfter -= work[i]!;
    const [only] = live;
    const name = live.size === 1 && names.get(only!);
    if (name && only!.type === 'float32' && only!.shape[0] === batch) {
      cuts.push({ name, shape: only!.shape.slice(1), workAfter });
    }
  }
  const multiplications = sum(plain.nodes.map(multiplicationsOf)) / batch;
  return { multiplications, work: sum(work), cuts, constants: new Map(constants) };
}

const inputOf = (graph: Graph, { inputs: [image] }: OnnxModel, shape: readonly number[]) => ({
  [image!.name]: graph.input(image!.name, shape),
});

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

const isGrouped = ({ type, attributes }: Node) =>
  type === 'Conv' && attributes.group !== undefined && attributes.group !== 1;

/** Without additions and what costs little beside them. */
function multiplicationsOf({ type, inputs, outputs, attributes }: Node): number {
  const size = sizeOf(outputs[0]!.shape);
  const inner = inputs[1]?.shape ?? [];
  if (type === 'Conv') return size * sizeOf(inner.slice(1));
  if (type === 'MatMul' || type === 'Gemm') return size * inputs[0]!.shape.at(attributes.transA ? 0 : -1)!;
  return 0;
}

/**
 * The part of a model behind a cut, from the cut's value to its output, for the batch size that it was dissected with. Weights are the
 * model's own: training the part in place trains the model.
 */
export function after(model: OnnxModel, { name, shape }: Cut, { constants }: Anatomy): OnnxModel {
  const reached = new Set([name]);
  const nodes = model.nodes.filter(({ inputs, outputs }) => {
    if (outputs.includes(name) || !inputs.some((each) => reached.has(each))) return false;
    for (const output of outputs) reached.add(output);
    return true;
  });
  const needed = new Set(nodes.flatMap(({ inputs }) => inputs));
  const known = [...constants, ...model.initializers];
  const initializers = known.filter(([each]) => needed.has(each) && !reached.has(each));
  const input: OnnxValue = { name, tensor: { type: 'float32', shape: ['N', ...shape] } };
  return { ...model, nodes, initializers: new Map(initializers), inputs: [input] };
}
