import { type Graph, sizeOf, type Value } from '../graph.ts';
import type { Operator } from '../operators.ts';

/**
 * Mean and variance per channel of `[n, c, h, w]`, each `[c]`. BatchNormalization's own second and third output
 * can't be used: ONNX Runtime writes them over its running inputs, and shares those between equal nodes.
 */
export function batchStatistics(g: Graph, x: Value): { mean: Value; variance: Value } {
  const axes = g.ints([0, 2, 3]);
  const mean = g.op('ReduceMean', [x, axes], { keepdims: 0 });
  const count = g.scalar(sizeOf(x.shape) / x.shape[1]!);
  const meanSquare = g.op('Div', [g.op('ReduceSumSquare', [x, axes], { keepdims: 0 }), count]);
  // Rounding can leave a channel without variance slightly negative.
  const variance = g.op('Relu', [g.op('Sub', [meanSquare, g.op('Mul', [mean, mean])])]);
  return { mean, variance };
}

export const normalization: Record<string, Operator> = {
  /** `[n, c, h, w]`: by the mean and variance of the batch with `training_mode` 1, else by the given ones. */
  BatchNormalization: {
    shape: (_g, [x, scale], { training_mode }) =>
      training_mode ? [x!.shape, scale!.shape, scale!.shape] : [x!.shape],
    // With x̂ = (x − μ)·s and s = 1/√(σ² + ε): dx = γs·(dy − Σdy/m − x̂·Σ(dy·x̂)/m), m = n·h·w (Ioffe and Szegedy 2015),
    // written as a·dy + b·x − c with one number per channel each, which reads the big tensors least often.
    gradient(g, { inputs: [x, scale], attributes }, dy) {
      if (!attributes.training_mode)
        throw new Error('BatchNormalization has a gradient in training mode only');
      const c = x!.shape[1]!;
      const m = g.scalar(sizeOf(x!.shape) / c);
      const { mean, variance } = batchStatistics(g, x!);
      const { float: epsilon } = attributes.epsilon as { float: number };
      const s = g.op('Div', [g.scalar(1), g.op('Sqrt', [g.op('Add', [variance, g.scalar(epsilon)])])]);
      const dBias = g.sum(dy, [0, 2, 3]);
      const dyx = g.sum(g.op('Mul', [dy, x!]), [0, 2, 3]);
      const dScale = g.op('Mul', [s, g.op('Sub', [dyx, g.op('Mul', [mean, dBias])])]);
      const a = g.op('Mul', [scale!, s]);
      const b = g.op('Neg', [g.op('Mul', [a, g.op('Mul', [s, g.op('Div', [dScale, m])])])]);
      const offset = g.op('Add', [g.op('Mul', [a, g.op('Div', [dBias, m])]), g.op('Mul', [b, mean])]);
      const perChannel = (v: Value) => g.reshape(v, [1, c, 1, 1]);
      const scaled = g.op('Add', [g.op('Mul', [dy, perChannel(a)]), g.op('Mul', [x!, perChannel(b)])]);
      return [g.op('Sub', [scaled, perChannel(offset)]), dScale, dBias, undefined, undefined];
    },
  },
  /** Over the last axis. */
  LogSoftmax: {
    shape: (_g, [x]) => [x!.shape],
    gradient(g, { outputs: [y] }, dy) {
      const last = y!.shape.length - 1;
      const total = g.sum(dy, [last], true);
      return [g.op('Sub', [dy, g.op('Mul', [g.op('Exp', [y!]), total])])];
    },
  },
  /** Over the last axis. */
  Softmax: {
    shape: (_g, [x]) => [x!.shape],
    gradient(g, { outputs: [y] }, dy) {
      const last = y!.shape.length - 1;
      const total = g.sum(g.op('Mul', [dy, y!]), [last], true);
      return [g.op('Mul', [y!, g.op('Sub', [dy, total])])];
    },
  },
};
