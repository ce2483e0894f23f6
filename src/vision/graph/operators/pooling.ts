import { type Attributes, sizeOf, type Value } from '../graph.ts';
import type { Operator } from '../operators.ts';
import { geometry, outputSize } from './convolution.ts';

function pooledShape(x: Value, attributes: Attributes): number[] {
  const kernel = attributes.kernel_shape as number[];
  const where = geometry(attributes);
  const [top, left, bottom, right] = where.pads;
  const leftover = [x.shape[2]! + top + bottom - kernel[0]!, x.shape[3]! + left + right - kernel[1]!];
  if (attributes.ceil_mode && leftover.some((size, axis) => size % where.strides[axis]! !== 0)) {
    throw new Error('Pooling with ceil_mode is supported only where windows fit without a rest');
  }
  return [...x.shape.slice(0, 2), ...outputSize(x.shape.slice(2), kernel, where)];
}

export const pooling: Record<string, Operator> = {
  /** The second output holds, for each maximum, its place in the flattened input. */
  MaxPool: {
    shape: (_g, [x], attributes) => [pooledShape(x!, attributes), pooledShape(x!, attributes)],
    types: [undefined, 'int64'],
    gradient(g, { inputs: [x], outputs: [y, places] }, dy) {
      const [before, after] = [sizeOf(x!.shape), sizeOf(y!.shape)];
      const zeros = g.op('Expand', [g.scalar(0), g.ints([before])]);
      const flat = [g.reshape(places!, [after]), g.reshape(dy, [after])];
      const sums = g.op('ScatterElements', [zeros, ...flat], { axis: 0, reduction: 'add' });
      return [g.reshape(sums, x!.shape)];
    },
  },
  /** Has a gradient where windows neither overlap nor leave the picture. */
  AveragePool: {
    shape: (_g, [x], attributes) => [pooledShape(x!, attributes)],
    gradient(g, { inputs: [x], outputs: [y], attributes }, dy) {
      const [kh, kw] = attributes.kernel_shape as [number, number];
      const [n, c, oh, ow] = y!.shape as [number, number, number, number];
      const { strides, pads } = geometry(attributes);
      const tiles = strides[0] === kh && strides[1] === kw && pads.every((pad) => pad === 0);
      if (!tiles || oh * kh !== x!.shape[2] || ow * kw !== x!.shape[3]) {
        throw new Error('AveragePool has a derivative rule only for windows that tile the picture');
      }
      const spread = g.op('Expand', [g.reshape(dy, [n, c, oh, 1, ow, 1]), g.ints([n, c, oh, kh, ow, kw])]);
      return [g.mul(g.reshape(spread, x!.shape), 1 / (kh * kw))];
    },
  },
  /** `[n, c, h, w]` → `[n, c, 1, 1]`. */
  GlobalAveragePool: {
    shape: (_g, [x]) => [[x!.shape[0]!, x!.shape[1]!, 1, 1]],
    gradient(g, { inputs: [x] }, dy) {
      const area = x!.shape[2]! * x!.shape[3]!;
      return [g.op('Expand', [g.mul(dy, 1 / area), g.ints(x!.shape)])];
    },
  },
  /** Adds the updates to a flat tensor at the given places. */
  ScatterElements: { shape: (_g, [x]) => [x!.shape] },
};
