import { type Attributes, type Graph, sizeOf, type Value } from '../graph.ts';
import type { Operator } from '../operators.ts';

function reducedShape(g: Graph, [x, axes]: readonly Value[], { keepdims = 1 }: Attributes): number[] {
  const rank = x!.shape.length;
  const reduced = new Set(axes ? g.numbersOf(axes).map((axis) => (axis + rank) % rank) : x!.shape.keys());
  return x!.shape.flatMap((n, i) => (reduced.has(i) ? (keepdims ? [1] : []) : [n]));
}

/** Spreads the gradient of a sum back over the summed axes. */
function spread(g: Graph, inputs: readonly Value[], dy: Value): Value {
  const kept = reducedShape(g, inputs, { keepdims: 1 });
  return g.op('Expand', [g.reshape(dy, kept), g.ints(inputs[0]!.shape)]);
}

const shape: Operator['shape'] = (g, inputs, attributes) => [reducedShape(g, inputs, attributes)];

/** Inputs: data, axes. */
export const reduction: Record<string, Operator> = {
  ReduceSum: { shape, gradient: (g, { inputs }, dy) => [spread(g, inputs, dy), undefined] },
  ReduceMean: {
    shape,
    gradient(g, { inputs, outputs: [y] }, dy) {
      const share = sizeOf(y!.shape) / sizeOf(inputs[0]!.shape);
      return [spread(g, inputs, g.mul(dy, share)), undefined];
    },
  },
  ReduceL2: {
    shape,
    gradient(g, { inputs, outputs: [y] }, dy) {
      const [along, length] = [spread(g, inputs, dy), spread(g, inputs, y!)];
      return [g.mul(along, g.op('Div', [inputs[0]!, length])), undefined];
    },
  },
  ReduceSumSquare: {
    shape,
    gradient: (g, { inputs }, dy) => [g.mul(spread(g, inputs, dy), g.mul(inputs[0]!, 2)), undefined],
  },
};
