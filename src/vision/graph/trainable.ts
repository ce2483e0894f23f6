import { Graph, sizeOf, type Value } from './graph.ts';
import { instantiate } from './instantiate.ts';
import type { OnnxModel, OnnxNode, TensorData } from './onnx.ts';
import { batchStatistics } from './operators/normalization.ts';

/** A trained tensor. `data` is the model's own initializer: an optimiser that writes into it changes the model. */
export interface Parameter {
  /** Of the model's initializer. */
  name: string;
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

/** A model rebuilt for training: a graph with fixed shapes and with the weights as inputs. */
export interface Trainable {
  graph: Graph;
  input: Value;
  output: Value;
  parameters: Parameter[];
  statistics: Statistics[];
}

/** Inputs that are settings rather than weights, by operator and position. */
const SETTINGS: Record<string, number[]> = {
  BatchNormalization: [3, 4],
  Clip: [1, 2],
  Pad: [2],
  Pow: [1],
  Resize: [1, 2],
};

/** Names of a model's weights: its float tensors of more than one number, without statistics and settings. */
export function weightNames({ nodes, initializers }: OnnxModel): Set<string> {
  const settings = new Set(nodes.flatMap(({ type, inputs }) => (SETTINGS[type] ?? []).map((i) => inputs[i])));
  const isWeight = ([name, { type, shape }]: [string, TensorData]) =>
    type === 'float32' && sizeOf(shape) > 1 && !settings.has(name);
  return new Set([...initializers].filter(isWeight).map(([name]) => name));
}

/**
 * Rebuilds a model of one input and one output for training on inputs of `inputShape`: its weights become inputs (by
 * reference: see {@link Parameter}), and batch normalisation uses each batch's own statistics. Weights that
 * `isTrained` says no to stay constants, and so do the statistics of batch normalisations with such weights.
 * Throws an Error that names the first operator that is not in the operator table.
 */
export async function makeTrainable(
  model: OnnxModel,
  inputShape: readonly number[],
  isTrained: (weight: string) => boolean = () => true,
): Promise<Trainable> {
  const graph = new Graph(model.opset);
  const weights = new Set([...weightNames(model)].filter(isTrained));
  const byBatch = ({ type, inputs }: OnnxNode) => type === 'BatchNormalization' && weights.has(inputs[1]!);
  const parameters: Parameter[] = [];
  const input = graph.input(model.inputs[0]!.name, inputShape);
  const values = await instantiate(
    graph,
    { ...model, nodes: model.nodes.map((node) => (byBatch(node) ? inTraining(node) : node)) },
    { [input.name]: input },
    (name, { shape, data }) => {
      if (!weights.has(name)) return undefined;
      const value = graph.input(`weight${parameters.length}`, shape);
      parameters.push({ name, value, data: data as Float32Array });
      return value;
    },
  );
  const running = (name: string | undefined) => model.initializers.get(name!)!.data as Float32Array;
  const statistics = model.nodes.filter(byBatch).map(({ inputs: [x, , , mean, variance] }) => ({
    ...batchStatistics(graph, values.get(x!)!),
    runningMean: running(mean),
    runningVariance: running(variance),
  }));
  return { graph, input, output: values.get(model.outputs[0]!.name)!, parameters, statistics };
}

function inTraining(node: OnnxNode): OnnxNode {
  return { ...node, attributes: { ...node.attributes, training_mode: 1, momentum: { float: 0 } } };
}
