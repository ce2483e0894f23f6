import { type Attributes, type Graph, sizeOf, type Value } from './graph.ts';
import { geometry } from './operators/convolution.ts';
import { winograd } from './winograd.ts';

type Lowering = (g: Graph, inputs: (Value | undefined)[], attributes: Attributes, outputs: number) => Value[];

/** `x` from `start` (included) to `end` (excluded) along one axis. */
function slice(g: Graph, x: Value, axis: number, start: number, end: number): Value {
  const bounds = [[start], [end], [axis], [1]].map((list) => g.ints(list));
  return start === 0 && end === x.shape[axis] ? x : g.op('Slice', [x, ...bounds]);
}

const axisOf = (x: Value, axis: number): number => (axis + x.shape.length) % x.shape.length;

/** Axes from an input, or from the attribute of older operator sets; undefined when neither is given. */
function axesOf(g: Graph, [x, axes]: (Value | undefined)[], attributes: Attributes, rank = x!.shape.length) {
  const given = axes ? g.numbersOf(axes) : (attributes.axes as number[] | undefined);
  return given?.map((axis) => (axis + rank) % rank);
}

const reduce =
  (type: string): Lowering =>
  (g, inputs, attributes) => {
    const axes = axesOf(g, inputs, attributes) ?? inputs[0]!.shape.map((_, i) => i);
    const { keepdims = 1 } = attributes;
    return [g.op(type, [inputs[0]!, g.ints(axes)], { keepdims })];
  };

/**
 * Operators that are written as others when a graph is rebuilt for training: those with several outputs, and those
 * that only say in another way what a table entry says. Keeps the operator table small.
 */
export const lowerings: Record<string, Lowering> = {
  /** A kernel that is trained has gradients; ONNX Runtime is faster with others as they are. */
  Conv(g, [x, w, b], attributes) {
    const y = g.constants.has(w!) ? undefined : winograd(g, x!, w!, geometry(attributes));
    if (!y) return [g.op('Conv', b ? [x!, w!, b] : [x!, w!], attributes)];
    return [b ? g.op('Add', [y, g.reshape(b, [b.shape[0]!, 1, 1])]) : y];
  },
  Dropout: (g, [x]) => [g.op('Identity', [x!])],
  Cast(g, [x], { to }) {
    if (to !== 1 || x!.type !== 'float32')
      throw new Error('Cast of a computed value is supported between floats only');
    return [g.op('Identity', [x!])];
  },
  Split(g, [x, sizes], attributes, outputs) {
    const axis = axisOf(x!, (attributes.axis as number | undefined) ?? 0);
    const even = Math.ceil(x!.shape[axis]! / outputs);
    let start = 0;
    return Array.from({ length: outputs }, (_, i) => {
      const size = sizes ? g.numbersOf(sizes)[i]! : Math.min(even, x!.shape[axis]! - start);
      start += size;
      return slice(g, x!, axis, start - size, start);
    });
  },
  /** Of one index, or of indices in a row. */
  Gather(g, [x, indices], attributes) {
    const axis = axisOf(x!, (attributes.axis as number | undefined) ?? 0);
    const places = g.numbersOf(indices!).map((index) => (index + x!.shape[axis]!) % x!.shape[axis]!);
    if (places.some((place, i) => place !== places[0]! + i))
      throw new Error('Gather is supported for adjacent indices');
    const part = slice(g, x!, axis, places[0]!, places[0]! + places.length);
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    return [g.reshape(part, shape)];
  },
  Slice(g, inputs, attributes) {
    const [x, starts, ends, , steps] = inputs;
    const axes = axesOf(g, [x, inputs[3]], attributes) ?? x!.shape.map((_, i) => i);
    const by = steps ? g.numbersOf(steps) : axes.map(() => 1);
    if (by.some((step) => step < 1)) throw new Error('Slice is supported for positive steps');
    const clamp = (value: Value) =>
      g.numbersOf(value).map((n, i) => {
        const size = x!.shape[axes[i]!]!;
        return Math.min(size, Math.max(0, n < 0 ? n + size : n));
      });
    const bounds = [clamp(starts!), clamp(ends!), axes, by].map((list) => g.ints(list));
    return [g.op('Slice', [x!, ...bounds])];
  },
  Squeeze(g, inputs, attributes) {
    const { shape } = inputs[0]!;
    const axes = new Set(axesOf(g, inputs, attributes) ?? shape.flatMap((n, i) => (n === 1 ? [i] : [])));
    const kept = shape.filter((_, i) => !axes.has(i));
    return [g.reshape(inputs[0]!, kept)];
  },
  Unsqueeze(g, inputs, attributes) {
    const count = inputs[1] ? sizeOf(inputs[1].shape) : (attributes.axes as number[]).length;
    const axes = axesOf(g, inputs, attributes, inputs[0]!.shape.length + count)!.sort((a, b) => a - b);
    const shape = [...inputs[0]!.shape];
    for (const axis of axes) shape.splice(axis, 0, 1);
    return [g.reshape(inputs[0]!, shape)];
  },
  Reshape(g, [x, shape], { allowzero }) {
    if (allowzero && g.numbersOf(shape!).includes(0))
      throw new Error('Reshape to an empty shape is not supported');
    return [g.op('Reshape', [x!, shape!])];
  },
  Transpose: (g, [x], { perm }) => [
    g.transpose(x!, (perm as number[]) ?? x!.shape.map((_, i) => i).reverse()),
  ],
  ReduceMean: reduce('ReduceMean'),
  ReduceSum: reduce('ReduceSum'),
  ReduceL2: reduce('ReduceL2'),
  Clip: (g, [x, low, high]) => [g.op('Clip', [x!, low ?? g.scalar(-3.4e38), high ?? g.scalar(3.4e38)])],
  Gemm(g, inputs, { alpha, beta, transA = 0, transB = 0 }) {
    const one = (factor: unknown) => factor === undefined || (factor as { float: number }).float === 1;
    if (!one(alpha) || !one(beta)) throw new Error('Gemm is supported with alpha and beta of 1 only');
    return [g.op('Gemm', inputs as Value[], { transA, transB })];
  },
  /** With one zero as padding value. */
  Pad(g, [x, pads, value, axes], { mode = 'constant' }) {
    const sizes = g.numbersOf(pads!);
    const isZero = mode === 'constant' && (!value || g.numbersOf(value)[0] === 0);
    if (!isZero || sizes.some((size) => size < 0)) throw new Error('Pad is supported with zeros only');
    const along = axesOf(g, [x, axes], {}) ?? x!.shape.map((_, i) => i);
    const all = [...x!.shape, ...x!.shape].map(() => 0);
    along.forEach((axis, i) => {
      all[axis] = sizes[i]!;
      all[axis + x!.shape.length] = sizes[i + along.length]!;
    });
    return [all.some((size) => size > 0) ? g.op('Pad', [x!, g.ints(all)]) : x!];
  },
};
