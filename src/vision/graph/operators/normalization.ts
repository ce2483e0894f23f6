import { type Attributes, type Graph, sizeOf, type Value } from '../graph.ts';
import type { Operator } from '../operators.ts';

/** ONNX's default of the operators here. */
const epsilonOf = ({ epsilon = { float: 1e-5 } }: Attributes): number => (epsilon as { float: number }).float;

/**
 * Mean and variance per channel of `[n, c, h, w]`, each `[c]`. BatchNormalization's own second and third output
 * can't be used: ONNX Runtime writes them over its running inputs, and shares those between equal nodes.
 */
export function batchStatistics(g: Graph, x: Value): { mean: Value; variance: Value } {
  const axes = g.ints([0, 2, 3]);
  const mean = g.op('ReduceMean', [x, axes], { keepdims: 0 });
  const squares = g.op('ReduceSumSquare', [x, axes], { keepdims: 0 });
  const meanSquare = g.mul(squares, x.shape[1]! / sizeOf(x.shape));
  // Rounding can leave a channel without variance slightly negative.
  const variance = g.op('Relu', [g.op('Sub', [meanSquare, g.mul(mean, mean)])]);
  return { mean, variance };
}

export const normalization: Record<string, Operator> = {
  /** `[n, c, h, w]`: by the mean and variance of the batch with `training_mode` 1, else by the given ones. */
  BatchNormalization: {
    shape: (_g, [x, scale], { training_mode }) =>
      training_mode ? [x!.shape, scale!.shape, scale!.shape] : [x!.shape],
    gradient(g, node, dy) {
      const [x, scale, , mean, variance] = node.inputs;
      const batch = Boolean(node.attributes.training_mode);
      const by = batch ? batchStatistics(g, x!) : { mean: mean!, variance: variance! };
      const c = x!.shape[1]!;
      const epsilon = g.scalar(epsilonOf(node.attributes));
      const s = g.op('Div', [g.scalar(1), g.op('Sqrt', [g.op('Add', [by.variance, epsilon])])]);
      const dBias = g.sum(dy, [0, 2, 3]);
      const dyx = g.sum(g.mul(dy, x!), [0, 2, 3]);
      const dScale = g.mul(s, g.op('Sub', [dyx, g.mul(by.mean, dBias)]));
      const perChannel = (v: Value) => g.reshape(v, [1, c, 1, 1]);
      const a = g.mul(scale!, s);
      const scaled = g.mul(dy, perChannel(a));
      if (!batch) return [scaled, dScale, dBias, undefined, undefined];
      // With x̂ = (x − μ)·s and s = 1/√(σ² + ε): dx = γs·(dy − Σdy/m − x̂·Σ(dy·x̂)/m), m = n·h·w (Ioffe and Szegedy 2015),
      // written as a·dy + b·x − c with one number per channel each, which reads the big tensors least often.
      const share = c / sizeOf(x!.shape);
      const b = g.op('Neg', [g.mul(a, g.mul(s, g.mul(dScale, share)))]);
      const offset = g.op('Add', [g.mul(a, g.mul(dBias, share)), g.mul(b, by.mean)]);
      const sum = g.op('Add', [scaled, g.mul(x!, perChannel(b))]);
      return [g.op('Sub', [sum, perChannel(offset)]), dScale, dBias, undefined, undefined];
    },
  },
  /** Over the last axis. Inputs: x, scale, bias. The other outputs are the mean and 1/√(σ² + ε), `[…, 1]`. */
  LayerNormalization: {
    shape(_g, [x], { axis = -1 }) {
      const last = x!.shape.length - 1;
      if (axis !== -1 && axis !== last)
        throw new Error('LayerNormalization is supported over the last axis only');
      const kept = [...x!.shape.slice(0, last), 1];
      return [x!.shape, kept, kept];
    },
    // With x̂ = (x − μ)·s and e = γ·dy: dx = s·(e − mean(e) − x̂·mean(e·x̂)) (Ba et al. 2016).
    gradient(g, { inputs: [x, scale, bias], outputs: [, mean, s] }, dy) {
      const last = x!.shape.length - 1;
      const lead = x!.shape.slice(0, last).map((_, i) => i);
      const normal = g.mul(g.op('Sub', [x!, mean!]), s!);
      const e = g.mul(dy, scale!);
      const along = g.mul(normal, g.mean(g.mul(e, normal), [last]));
      const dx = g.mul(g.op('Sub', [g.op('Sub', [e, g.mean(e, [last])]), along]), s!);
      return [dx, g.sum(g.mul(dy, normal), lead), ...(bias ? [g.sum(dy, lead)] : [])];
    },
  },
  /** Over the last axis. */
  LogSoftmax: {
    shape: (_g, [x]) => [x!.shape],
    gradient(g, { outputs: [y] }, dy) {
      const total = g.sum(dy, [y!.shape.length - 1], true);
      return [g.op('Sub', [dy, g.mul(g.op('Exp', [y!]), total)])];
    },
  },
  /** Over the last axis. */
  Softmax: {
    shape(_g, [x], { axis = -1 }) {
      if (axis !== -1 && axis !== x!.shape.length - 1)
        throw new Error('Softmax is supported over the last axis only');
      return [x!.shape];
    },
    gradient(g, { outputs: [y] }, dy) {
      const total = g.sum(g.mul(dy, y!), [y!.shape.length - 1], true);
      return [g.mul(y!, g.op('Sub', [dy, total]))];
    },
  },
};
