import type { OnnxModel } from './graph/onnx.ts';

interface Step<Value> {
  inputs: readonly Value[];
  outputs: readonly Value[];
}

/** The nodes, in order, that the values depend on. */
export function nodesFor<Value, Node extends Step<Value>>(
  values: Iterable<Value>,
  nodes: readonly Node[],
): Node[] {
  const needed = new Set(values);
  return nodes
    .toReversed()
    .filter(({ inputs, outputs }) => {
      const isNeeded = outputs.some((output) => needed.has(output));
      if (isNeeded) for (const input of inputs) needed.add(input);
      return isNeeded;
    })
    .reverse();
}

/** A model cut down to what one of its values depends on, which becomes its output. */
export function upTo(name: string, model: OnnxModel): OnnxModel {
  const nodes = nodesFor([name], model.nodes);
  const used = new Set([name, ...nodes.flatMap(({ inputs }) => inputs)]);
  const initializers = [...model.initializers].filter(([each]) => used.has(each));
  return { ...model, nodes, initializers: new Map(initializers), outputs: [{ name }] };
}
