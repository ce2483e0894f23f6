import type { Graph, Value } from '../graph.ts';
import type { Operator } from '../operators.ts';

/** Shape of two operands by numpy's broadcasting rule. Throws when they don't fit. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new Error(`Shapes [${a}] and [${b}] do not broadcast`);
    return m === 1 ? n : m;
  });
}

/** Sums a gradient over the axes along which its operand of `shape` was broadcast. */
export function unbroadcast(g: Graph, dy: Value, shape: readonly number[]): Value {
  const lead = dy.shape.length - shape.length;
  const axes = dy.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return axes.length === 0 ? dy : g.reshape(g.sum(dy, axes), shape);
}

type Rule = (g: Graph, dy: Value, a: Value, b: Value, y: Value) => [Value, Value];

const binary = (rule: Rule): Operator => ({
  shape: (_g, [a, b]) => [broadcast(a!.shape, b!.shape)],
  gradient(g, { inputs: [a, b], outputs: [y] }, dy) {
    const [da, db] = rule(g, dy, a!, b!, y!);
    return [unbroadcast(g, da, a!.shape), unbroadcast(g, db, b!.shape)];
  },
});

const unary = (rule?: (g: Graph, dy: Value, x: Value, y: Value) => Value): Operator => ({
  shape: (_g, [x]) => [x!.shape],
  ...(rule && { gradient: (g, { inputs: [x], outputs: [y] }, dy) => [rule(g, dy, x!, y!)] }),
});

const mul = (g: Graph, a: Value, b: Value) => g.op('Mul', [a, b]);

export const elementwise: Record<string, Operator> = {
  Add: binary((_g, dy) => [dy, dy]),
  Sub: binary((g, dy) => [dy, g.op('Neg', [dy])]),
  Mul: binary((g, dy, a, b) => [mul(g, dy, b), mul(g, dy, a)]),
  Div: binary((g, dy, _a, b, y) => {
    const da = g.op('Div', [dy, b]);
    return [da, g.op('Neg', [mul(g, da, y)])];
  }),
  Identity: unary((_g, dy) => dy),
  Neg: unary((g, dy) => g.op('Neg', [dy])),
  Exp: unary((g, dy, _x, y) => mul(g, dy, y)),
  Log: unary((g, dy, x) => g.op('Div', [dy, x])),
  Sqrt: unary((g, dy, _x, y) => g.op('Div', [dy, mul(g, y, g.scalar(2))])),
  // The sign of the output is 1 where the input was positive and 0 elsewhere: cheaper than a comparison and a cast.
  Relu: unary((g, dy, _x, y) => mul(g, dy, g.op('Sign', [y]))),
  Sigmoid: unary((g, dy, _x, y) => mul(g, dy, mul(g, y, g.op('Sub', [g.scalar(1), y])))),
  Softplus: unary((g, dy, x) => mul(g, dy, g.op('Sigmoid', [x]))),
  Sign: unary(),
};
