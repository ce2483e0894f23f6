import { type Graph, sizeOf, type Value } from '../graph.ts';
import type { Operator } from '../operators.ts';
import { broadcast, unbroadcast } from './elementwise.ts';

/** Swaps the last two axes. */
function swapLast(g: Graph, x: Value): Value {
  const perm = x.shape.map((_, i) => i);
  const last = perm.length - 1;
  [perm[last], perm[last - 1]] = [last - 1, last];
  return g.transpose(x, perm);
}

/** All axes but the last as one. */
function asMatrix(g: Graph, x: Value): Value {
  const columns = x.shape.at(-1)!;
  return x.shape.length === 2 ? x : g.reshape(x, [sizeOf(x.shape) / columns, columns]);
}

const gemm = (g: Graph, a: Value, transA: boolean, b: Value, transB: boolean) =>
  g.op('Gemm', [a, b], { transA: Number(transA), transB: Number(transB) });

export const linear: Record<string, Operator> = {
  /** `[…, m, k] × […, k, n]`; the leading axes broadcast. */
  MatMul: {
    shape(_g, [a, b]) {
      const [k, n] = b!.shape.slice(-2);
      if (a!.shape.at(-1) !== k) throw new Error(`MatMul of [${a!.shape}] and [${b!.shape}]`);
      const lead = broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
      return [[...lead, a!.shape.at(-2)!, n!]];
    },
    gradient(g, { inputs: [a, b] }, dy) {
      const da = g.op('MatMul', [dy, swapLast(g, b!)]);
      // One product for a weight matrix, instead of one per leading index and their sum.
      if (b!.shape.length === 2) return [da, gemm(g, asMatrix(g, a!), true, asMatrix(g, dy), false)];
      const db = (x: Value, y: Value, shape: readonly number[]) =>
        unbroadcast(g, g.op('MatMul', [swapLast(g, x), y]), shape);
      // That of a transposed operand comes out in the order that it had before.
      const before = g.producerOf(b!);
      const transposed = before?.type === 'Transpose';
      return [
        unbroadcast(g, da, a!.shape),
        transposed ? swapLast(g, db(dy, a!, swapLast(g, b!).shape)) : db(a!, dy, b!.shape),
      ];
    },
  },
  /** `a' × b' + c` with alpha = beta = 1; `transA`, `transB` tell which operand is transposed. */
  Gemm: {
    shape(_g, [a, b], { transA, transB }) {
      return [[a!.shape[transA ? 1 : 0]!, b!.shape[transB ? 0 : 1]!]];
    },
    gradient(g, { inputs: [a, b, c], attributes }, dy) {
      const [ta, tb] = [Boolean(attributes.transA), Boolean(attributes.transB)];
      return [
        ta ? gemm(g, b!, tb, dy, true) : gemm(g, dy, false, b!, !tb),
        tb ? gemm(g, dy, true, a!, ta) : gemm(g, a!, !ta, dy, false),
        ...(c ? [unbroadcast(g, dy, c.shape)] : []),
      ];
    },
  },
};
