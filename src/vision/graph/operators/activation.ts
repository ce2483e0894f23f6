import type { Attributes, Graph, Value } from '../graph.ts';
import type { Operator } from '../operators.ts';
import { unary } from './elementwise.ts';

const float = (attributes: Attributes, name: string, otherwise: number): number =>
  name in attributes ? (attributes[name] as { float: number }).float : otherwise;

/** 1 where x > 0, else 0. ONNX Runtime takes less time for a steep ramp than for Sign or a comparison and a cast. */
const positive = (g: Graph, x: Value): Value =>
  g.op('HardSigmoid', [x], { alpha: { float: 1e30 }, beta: { float: 0 } });

/** 1 where `low` < x < `high`, else 0. */
const between = (g: Graph, x: Value, low: Value, high: Value): Value =>
  positive(g, g.mul(g.op('Sub', [x, low]), g.op('Sub', [high, x])));

export const activation: Record<string, Operator> = {
  Relu: unary((g, dy, _x, y) => g.mul(dy, positive(g, y))),
  Sigmoid: unary((g, dy, _x, y) => g.mul(dy, g.mul(y, g.op('Sub', [g.scalar(1), y])))),
  Tanh: unary((g, dy, _x, y) => g.mul(dy, g.op('Sub', [g.scalar(1), g.mul(y, y)]))),
  Softplus: unary((g, dy, x) => g.mul(dy, g.op('Sigmoid', [x]))),
  /** max(0, min(1, alpha·x + beta)) */
  HardSigmoid: {
    shape: (_g, [x]) => [x!.shape],
    gradient(g, { outputs: [y], attributes }, dy) {
      const inside = between(g, y!, g.scalar(0), g.scalar(1));
      return [g.mul(dy, g.mul(inside, float(attributes, 'alpha', 0.2)))];
    },
  },
  /** x · max(0, min(1, x/6 + 1/2)); its slope between −3 and 3 is x/3 + 1/2. */
  HardSwish: unary((g, dy, x) => {
    const gate = g.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
    const inside = positive(g, g.op('Sub', [g.scalar(9), g.mul(x, x)]));
    return g.mul(dy, g.op('Add', [gate, g.mul(g.mul(x, inside), 1 / 6)]));
  }),
  /** Inputs: x, minimum, maximum. */
  Clip: {
    shape: (_g, [x]) => [x!.shape],
    gradient: (g, { inputs: [x, low, high] }, dy) => [
      g.mul(dy, between(g, x!, low!, high!)),
      undefined,
      undefined,
    ],
  },
  LeakyRelu: {
    shape: (_g, [x]) => [x!.shape],
    gradient(g, { inputs: [x], attributes }, dy) {
      const alpha = float(attributes, 'alpha', 0.01);
      const slope = g.op('Add', [g.mul(positive(g, x!), 1 - alpha), g.scalar(alpha)]);
      return [g.mul(dy, slope)];
    },
  },
  /** x · Φ(x) with the error function (`approximate` none). */
  Gelu: {
    shape(_g, [x], { approximate = 'none' }) {
      if (approximate !== 'none') throw new Error('Gelu with the tanh approximation is not supported');
      return [x!.shape];
    },
    // Φ(x) + x·φ(x)
    gradient(g, { inputs: [x] }, dy) {
      const phi = g.op('Add', [g.mul(g.op('Erf', [g.mul(x!, Math.SQRT1_2)]), 0.5), g.scalar(0.5)]);
      const density = g.mul(g.op('Exp', [g.mul(g.mul(x!, x!), -0.5)]), 1 / Math.sqrt(2 * Math.PI));
      return [g.mul(dy, g.op('Add', [phi, g.mul(x!, density)]))];
    },
  },
};
