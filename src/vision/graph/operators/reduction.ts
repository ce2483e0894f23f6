import { type Graph, sizeOf, type Value } from '../graph.ts';
import type { Attribute } from '../onnx.ts';
import type { Operator } from '../operators.ts';

type Attributes = Readonly<Record<string, Attribute>>;

function reducedAxes(g: Graph, [x, axes]: readonly Value[]): number[] {
  const rank = x!.shape.length;
  return axes ? g.intsOf(axes).map((axis) => (axis + rank) % rank) : x!.shape.map((_, i) => i);
}

function reducedShape(g: Graph, inputs: readonly Value[], attributes: Attributes): number[] {
  const axes = new Set(reducedAxes(g, inputs));
  const keep = (attributes.keepdims ?? 1) === 1;
  return inputs[0]!.shape.flatMap((n, i) => (axes.has(i) ? (keep ? [1] : []) : [n]));
}

/** Spreads the gradient of a sum back over the summed axes. */
function spread(g: Graph, inputs: readonly Value[], dy: Value): Value {
  const kept = reducedShape(g, inputs, { keepdims: 1 });
  return g.op('Expand', [g.reshape(dy, kept), g.ints(inputs[0]!.shape)]);
}

export const reduction: Record<string, Operator> = {
  ReduceSum: {
    shape: (g, inputs, attributes) => [reducedShape(g, inputs, attributes)],
    gradient: (g, { inputs }, dy) => [spread(g, inputs, dy), undefined],
  },
  ReduceMean: {
    shape: (g, inputs, attributes) => [reducedShape(g, inputs, attributes)],
    gradient(g, { inputs, outputs: [y] }, dy) {
      const count = sizeOf(inputs[0]!.shape) / sizeOf(y!.shape);
      return [spread(g, inputs, g.op('Div', [dy, g.scalar(count)])), undefined];
    },
  },
  ReduceSumSquare: {
    shape: (g, inputs, attributes) => [reducedShape(g, inputs, attributes)],
    gradient(g, { inputs }, dy) {
      const twice = g.op('Mul', [inputs[0]!, g.scalar(2)]);
      return [g.op('Mul', [spread(g, inputs, dy), twice]), undefined];
    },
  },
  /** `[n, c, h, w]` → `[n, c, 1, 1]`. */
  GlobalAveragePool: {
    shape: (_g, [x]) => [[x!.shape[0]!, x!.shape[1]!, 1, 1]],
    gradient(g, { inputs: [x] }, dy) {
      const area = x!.shape[2]! * x!.shape[3]!;
      return [g.op('Expand', [g.op('Div', [dy, g.scalar(area)]), g.ints(x!.shape)])];
    },
  },
};
