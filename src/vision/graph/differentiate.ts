import type { Graph, Node, Value } from './graph.ts';
import { operatorOf } from './operators.ts';

/**
 * Reverse-mode automatic differentiation: adds to the graph the nodes that compute the gradient of a scalar
 * `loss` by each of `parameters`, and returns those gradients in the same order and shapes.
 * Throws an Error naming the operator when one on the way has no derivative rule.
 */
export function differentiate(g: Graph, loss: Value, parameters: readonly Value[]): Value[] {
  const path = nodesBetween(g, parameters);
  const gradients = new Map<Value, Value>([
    [loss, g.constant({ type: 'float32', shape: [...loss.shape], data: Float32Array.of(1) })],
  ]);
  for (const node of path.toReversed()) {
    const dy = gradients.get(node.outputs[0]!);
    if (!dy) continue;
    const { gradient } = operatorOf(node.type);
    if (!gradient) throw new Error(`The operator ${node.type} has no derivative rule`);
    for (const [i, dx] of gradient(g, node, dy).entries()) {
      if (dx) accumulate(g, gradients, node.inputs[i]!, dx);
    }
  }
  return parameters.map((parameter) => {
    const gradient = gradients.get(parameter);
    if (!gradient) throw new Error(`The loss does not depend on ${parameter.name}`);
    return gradient;
  });
}

/** The nodes, in order, whose results depend on a parameter: only they need gradients. */
function nodesBetween(g: Graph, parameters: readonly Value[]): Node[] {
  const dependent = new Set<Value>(parameters);
  return g.nodes.filter((node) => {
    if (!node.inputs.some((input) => dependent.has(input))) return false;
    for (const output of node.outputs) dependent.add(output);
    return true;
  });
}

function accumulate(g: Graph, gradients: Map<Value, Value>, value: Value, gradient: Value): void {
  const before = gradients.get(value);
  gradients.set(value, before ? g.op('Add', [before, gradient]) : gradient);
}
