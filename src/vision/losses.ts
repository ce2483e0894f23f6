import type { Graph, Value } from './graph/graph.ts';

/** −Σ target · log softmax per row, `[n]`. `logits` and `targets` are `[n, labels]`; targets sum to 1 per row. */
export function crossEntropy(g: Graph, logits: Value, targets: Value): Value {
  const logProbabilities = g.op('LogSoftmax', [logits], { axis: -1 });
  return g.op('Neg', [g.sum(g.mul(logProbabilities, targets), [1])]);
}

/** Mean over the labels of the cross entropy of a sigmoid, softplus(z) − z · target, per row, `[n]`. */
export function binaryCrossEntropy(g: Graph, logits: Value, targets: Value): Value {
  const each = g.op('Sub', [g.op('Softplus', [logits]), g.mul(logits, targets)]);
  return g.mul(g.sum(each, [1]), 1 / logits.shape[1]!);
}
