import { sizeOf } from '../graph.ts';
import type { Operator } from '../operators.ts';
import { broadcast, unbroadcast } from './elementwise.ts';

export const layout: Record<string, Operator> = {
  Reshape: {
    shape(g, [x, target]) {
      const sizes = g.intsOf(target!).map((n, i) => (n === 0 ? x!.shape[i]! : n));
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
      return [
        g.transpose(
          dy,
          perm.map((_, i) => perm.indexOf(i)),
        ),
      ];
    },
  },
  Expand: {
    shape: (g, [x, target]) => [broadcast(x!.shape, g.intsOf(target!))],
    gradient: (g, { inputs: [x] }, dy) => [unbroadcast(g, dy, x!.shape), undefined],
  },
  Concat: {
    shape(_g, inputs, { axis }) {
      const total = inputs.reduce((sum, { shape }) => sum + shape[axis as number]!, 0);
      return [inputs[0]!.shape.map((n, i) => (i === axis ? total : n))];
    },
  },
  Pad: {
    shape(g, [x, pads]) {
      const sizes = g.intsOf(pads!);
      return [x!.shape.map((n, i) => n + sizes[i]! + sizes[i + x!.shape.length]!)];
    },
  },
  /** Inputs: data, starts, ends, axes, steps; starts and ends within the axis, steps positive. */
  Slice: {
    shape(g, [x, starts, ends, axes, steps]) {
      const [from, to, along, by] = [starts!, ends!, axes!, steps!].map((value) => g.intsOf(value));
      const shape = [...x!.shape];
      along!.forEach((axis, i) => {
        shape[axis] = Math.ceil((to![i]! - from![i]!) / by![i]!);
      });
      return [shape];
    },
  },
};
