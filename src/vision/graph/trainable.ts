import { Graph, type Node, type Value } from './graph.ts';
import type { TensorData } from './onnx.ts';
import { batchStatistics } from './operators/normalization.ts';

/** A trained tensor. `data` is the network's own constant: an optimiser that writes into it changes the network. */
export interface Parameter {
  value: Value;
  data: Float32Array;
}

/** Running statistics of one batch normalisation and the values that give this batch's. */
export interface Statistics {
  mean: Value;
  variance: Value;
  runningMean: Float32Array;
  runningVariance: Float32Array;
}

/** A network rebuilt for training: a graph of its own, with batches and with the weights as inputs. */
export interface Trainable {
  graph: Graph;
  /** `[batch, …]` */
  input: Value;
  output: Value;
  parameters: Parameter[];
  statistics: Statistics[];
}

/** Inputs of an operator that are weights, by position. */
const WEIGHTS: Record<string, number[]> = {
  Conv: [1, 2],
  Gemm: [1, 2],
  MatMul: [1],
  BatchNormalization: [1, 2],
};

/**
 * Rebuilds the part of a network between `input` and `output` for training on batches of `batch`: weights
 * become inputs (by reference: see {@link Parameter}), batch normalisation uses each batch's own statistics.
 */
export function makeTrainable(network: Graph, input: Value, output: Value, batch: number): Trainable {
  const graph = new Graph();
  const trainable: Trainable = {
    graph,
    input: graph.input(input.name, [batch, ...input.shape.slice(1)]),
    output,
    parameters: [],
    statistics: [],
  };
  const copies = new Map<Value, Value>([[input, trainable.input]]);

  const copy = (value: Value, node: Node, position: number): Value => {
    const known = copies.get(value);
    if (known) return known;
    const tensor = network.constants.get(value);
    if (!tensor) throw new Error(`${value.name} is neither computed nor constant`);
    const isWeight = WEIGHTS[node.type]?.includes(position);
    const made = isWeight ? parameter(value, tensor) : graph.constant(tensor);
    copies.set(value, made);
    return made;
  };
  const parameter = (value: Value, tensor: TensorData): Value => {
    const made = graph.input(`weight${trainable.parameters.length}`, value.shape);
    trainable.parameters.push({ value: made, data: tensor.data as Float32Array });
    return made;
  };

  for (const node of network.nodes) {
    const inputs = node.inputs.map((value, position) => copy(value, node, position));
    const normalizes = node.type === 'BatchNormalization';
    const attributes = normalizes
      ? { ...node.attributes, training_mode: 1, momentum: { float: 0 } }
      : node.attributes;
    const outputs = graph.add(node.type, inputs, attributes);
    node.outputs.forEach((value, i) => void copies.set(value, outputs[i]!));
    if (normalizes) {
      const [runningMean, runningVariance] = [3, 4].map(
        (position) => network.constants.get(node.inputs[position]!)!.data as Float32Array,
      ) as [Float32Array, Float32Array];
      trainable.statistics.push({ ...batchStatistics(graph, inputs[0]!), runningMean, runningVariance });
    }
  }
  trainable.output = copies.get(output)!;
  return trainable;
}
