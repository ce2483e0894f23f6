import type { Attributes, Graph, Value } from '../graph.ts';
import type { Operator } from '../operators.ts';
import { unary } from './elementwise.ts';

const float = (attributes: Attributes, name: string, otherwise: number): number =>
  name in attributes ? (attributes[name] as { float: number }).float : otherwise;

/** 1 where `low` < x < `high`, else 0; half of it exactly at a bound. */
function between(g: Graph, x: Value, low: Value, high: Value): Value {
  const signs = g.op('Add', [g.op('Sign', [g.op('Sub', [x, low])]), g.op('Sign', [g.op('Sub', [high, x])])]);
  return g.mul(signs, 0.5);
}

export const activation: Record<string, Operator> = {
  // The sign of the output is 1 where the input was positive and 0 elsewhere: cheaper than a comparison and a cast.
  Relu: unary((g, dy, _x, y) => g.mul(dy, g.op('Sign', [y]))),
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
    const inside = between(g, x, g.scalar(-3), g.scalar(3));
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
      const sign = g.op('Sign', [x!]);
      const slope = g.op('Add', [g.mul(sign, (1 - alpha) / 2), g.scalar((1 + alpha) / 2)]);
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
