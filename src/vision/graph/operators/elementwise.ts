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
  if (axes.length > 0) return g.reshape(g.sum(dy, axes), shape);
  return lead > 0 ? g.reshape(dy, shape) : dy;
}

type BinaryRule = (g: Graph, dy: Value, a: Value, b: Value, y: Value) => [Value, Value];

const binary = (rule: BinaryRule): Operator => ({
  shape: (_g, [a, b]) => [broadcast(a!.shape, b!.shape)],
  gradient(g, { inputs: [a, b], outputs: [y] }, dy) {
    const [da, db] = rule(g, dy, a!, b!, y!);
    return [unbroadcast(g, da, a!.shape), unbroadcast(g, db, b!.shape)];
  },
});

/** An operator of one operand that keeps its shape; `rule` gives the gradient. */
export const unary = (rule?: (g: Graph, dy: Value, x: Value, y: Value) => Value): Operator => ({
  shape: (_g, [x]) => [x!.shape],
  ...(rule && { gradient: (g, { inputs: [x], outputs: [y] }, dy) => [rule(g, dy, x!, y!)] }),
});

export const elementwise: Record<string, Operator> = {
  Add: binary((_g, dy) => [dy, dy]),
  Sub: binary((g, dy) => [dy, g.op('Neg', [dy])]),
  Mul: binary((g, dy, a, b) => [g.mul(dy, b), g.mul(dy, a)]),
  Div: binary((g, dy, _a, b, y) => {
    const da = g.op('Div', [dy, b]);
    return [da, g.op('Neg', [g.mul(da, y)])];
  }),
  /** By the base only: exponents are constants. */
  Pow: {
    shape: (_g, [a, b]) => [broadcast(a!.shape, b!.shape)],
    gradient(g, { inputs: [a, b] }, dy) {
      const slope = g.mul(g.op('Pow', [a!, g.op('Sub', [b!, g.scalar(1)])]), b!);
      return [unbroadcast(g, g.mul(dy, slope), a!.shape), undefined];
    },
  },
  Identity: unary((_g, dy) => dy),
  Neg: unary((g, dy) => g.op('Neg', [dy])),
  Exp: unary((g, dy, _x, y) => g.mul(dy, y)),
  Log: unary((g, dy, x) => g.op('Div', [dy, x])),
  Sqrt: unary((g, dy, _x, y) => g.op('Div', [dy, g.mul(y, 2)])),
  // d erf(x)/dx = 2/√π · exp(−x²)
  Erf: unary((g, dy, x) => {
    const bell = g.op('Exp', [g.op('Neg', [g.mul(x, x)])]);
    return g.mul(dy, g.mul(bell, 2 / Math.sqrt(Math.PI)));
  }),
};
