import { sizeOf } from '../graph.ts';
import type { Operator } from '../operators.ts';
import { broadcast, unbroadcast } from './elementwise.ts';

export const layout: Record<string, Operator> = {
  Reshape: {
    shape(g, [x, target]) {
      const sizes = g.numbersOf(target!).map((n, i) => (n === 0 ? x!.shape[i]! : n));
      const known = sizes.reduce((product, n) => (n === -1 ? product : product * n), 1);
      const shape = sizes.map((n) => (n === -1 ? sizeOf(x!.shape) / known : n));
      if (sizeOf(shape) !== sizeOf(x!.shape)) throw new Error(`Reshape of [${x!.shape}] to [${shape}]`);
      return [shape];
    },
    gradient: (g, { inputs: [x] }, dy) => [g.reshape(dy, x!.shape), undefined],
  },
  /** All axes from `axis` on become one, and so do all before it. */
  Flatten: {
    shape(_g, [x], { axis = 1 }) {
      const lead = sizeOf(x!.shape.slice(0, axis as number));
      return [[lead, sizeOf(x!.shape) / lead]];
    },
    gradient: (g, { inputs: [x] }, dy) => [g.reshape(dy, x!.shape)],
  },
  Transpose: {
    shape: (_g, [x], { perm }) => [(perm as number[]).map((axis) => x!.shape[axis]!)],
    gradient(g, { attributes }, dy) {
      const perm = attributes.perm as number[];
      const inverse = perm.map((_, i) => perm.indexOf(i));
      return [g.transpose(dy, inverse)];
    },
  },
  Expand: {
    shape: (g, [x, target]) => [broadcast(x!.shape, g.numbersOf(target!))],
    gradient: (g, { inputs: [x] }, dy) => [unbroadcast(g, dy, x!.shape), undefined],
  },
  Concat: {
    shape(_g, inputs, { axis }) {
      const along = ((axis as number) + inputs[0]!.shape.length) % inputs[0]!.shape.length;
      const total = inputs.reduce((sum, { shape }) => sum + shape[along]!, 0);
      return [inputs[0]!.shape.map((n, i) => (i === along ? total : n))];
    },
    gradient(g, { inputs, attributes }, dy) {
      const axis = ((attributes.axis as number) + dy.shape.length) % dy.shape.length;
      let start = 0;
      return inputs.map(({ shape }) => {
        const bounds = [[start], [start + shape[axis]!], [axis], [1]].map((list) => g.ints(list));
        start += shape[axis]!;
        return g.op('Slice', [dy, ...bounds]);
      });
    },
  },
  /** Inputs: data, pads (all starts, then all ends). Zeros. */
  Pad: {
    shape(g, [x, pads]) {
      const sizes = g.numbersOf(pads!);
      return [x!.shape.map((n, i) => n + sizes[i]! + sizes[i + x!.shape.length]!)];
    },
    gradient(g, { inputs: [x, pads] }, dy) {
      const starts = g.numbersOf(pads!).slice(0, x!.shape.length);
      const ends = starts.map((start, axis) => start + x!.shape[axis]!);
      const bounds = [starts, ends, starts.map((_, axis) => axis), starts.map(() => 1)];
      return [g.op('Slice', [dy, ...bounds.map((list) => g.ints(list))]), undefined];
    },
  },
  /** Inputs: data, starts, ends, axes, steps; starts and ends within the axis, steps positive. */
  Slice: {
    shape(g, [x, starts, ends, axes, steps]) {
      const [from, to, along, by] = [starts!, ends!, axes!, steps!].map((value) => g.numbersOf(value));
      const shape = [...x!.shape];
      along!.forEach((axis, i) => {
        shape[axis] = Math.ceil((to![i]! - from![i]!) / by![i]!);
      });
      return [shape];
    },
    gradient(g, { inputs: [x, starts, , axes, steps], outputs: [y] }, dy) {
      if (g.numbersOf(steps!).some((step) => step !== 1)) {
        throw new Error('Slice has a derivative rule for steps of 1 only');
      }
      const before = x!.shape.map(() => 0);
      g.numbersOf(axes!).forEach((axis, i) => {
        before[axis] = g.numbersOf(starts!)[i]!;
      });
      const after = x!.shape.map((n, i) => n - before[i]! - y!.shape[i]!);
      return [g.op('Pad', [dy, g.ints([...before, ...after])]), undefined, undefined, undefined, undefined];
    },
  },
};
