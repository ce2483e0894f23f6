import { type Graph, sizeOf, type Value } from './graph.ts';
import { type Geometry, outputSize } from './operators/convolution.ts';

/**
 * A convolution of a row `d` with three taps `k` by few products, `y = outputᵀ[(kernel·k) ⊙ (input·d)]`: one row of each matrix
 * for each product, `[products, window | 3 | outputs]` (Winograd 1980; for networks: Lavin and Gray 2016).
 */
interface Products {
  input: number[][];
  kernel: number[][];
  output: number[][];
}

/** Where polynomials are evaluated, besides infinity. Larger ones cost digits. */
const POINTS = [0, 1, -1, 2, -2];
/** Results of one tile. More would need larger points. */
const TILES = [4, 3, 2];

const unit = (length: number, place: number): number[] => Array.from({ length }, (_, i) => +(i === place));

/** Coefficients, the constant first, of the polynomial with these roots. */
const expand = (roots: readonly number[]): number[] =>
  roots.reduce(
    (c, root) => Array.from({ length: c.length + 1 }, (_, i) => (c[i - 1] ?? 0) - root * (c[i] ?? 0)),
    [1],
  );

/** `m` results of `taps` taps with `m + taps − 1` products, as polynomials are multiplied by their values (Toom and Cook). */
function toomCook(m: number, taps: number): Products {
  const points = POINTS.slice(0, m + taps - 2);
  const evaluate = (terms: number) => [
    ...points.map((point) => Array.from({ length: terms }, (_, power) => point ** power)),
    unit(terms, terms - 1),
  ];
  const lagrange = points.map((point) => {
    const others = points.filter((other) => other !== point);
    const scale = others.reduce((product, other) => product * (point - other), 1);
    return [...expand(others).map((term) => term / scale), 0];
  });
  return { input: [...lagrange, expand(points)], kernel: evaluate(taps), output: evaluate(m) };
}

/** With a stride of 2 the outer taps see even places, the middle one odd places: two convolutions with a stride of 1. */
function withStride2(m: number): Products {
  const outer = toomCook(m, 2);
  const middle = Array.from({ length: m }, (_, i) => i);
  const spread = (row: number[]) => Array.from({ length: 2 * m + 1 }, (_, i) => (i % 2 ? 0 : row[i / 2]!));
  return {
    input: [...outer.input.map(spread), ...middle.map((i) => unit(2 * m + 1, 2 * i + 1))],
    kernel: [...outer.kernel.map(([first, last]) => [first!, 0, last!]), ...middle.map(() => unit(3, 1))],
    output: [...outer.output, ...middle.map((i) => unit(m, i))],
  };
}

/** The same for a whole axis, tile by tile: matrices `[products · tiles, size]` for what goes in and what comes out. */
interface Axis {
  tiles: number;
  kernel: number[][];
  input: Float32Array;
  output: Float32Array;
}

function alongAxis(size: number, results: number, stride: number, pad: number): Axis {
  const choices = TILES.map((m) => ({ m, ...(stride === 1 ? toomCook(m, 3) : withStride2(m)) }));
  const cost = ({ m, kernel }: { m: number } & Products) => kernel.length * Math.ceil(results / m);
  const { m, kernel, ...ends } = choices.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  const tiles = Math.ceil(results / m);
  const place = (rows: number[][], length: number, start: (tile: number) => number) =>
    Float32Array.from({ length: rows.length * tiles * length }, (_, i) => {
      const line = Math.floor(i / length);
      return rows[Math.floor(line / tiles)]![(i % length) - start(line % tiles)] ?? 0;
    });
  return {
    tiles,
    kernel,
    input: place(ends.input, size, (tile) => tile * m * stride - pad),
    output: place(ends.output, results, (tile) => tile * m),
  };
}

/** Gemm puts the axis that it makes, `[lines]` of `size`, before the others: channels stay last without a transposition. */
const make = (g: Graph, by: Value, from: Value, size: number) =>
  g.op('Gemm', [by, g.reshape(from, [sizeOf(from.shape) / size, size])], { transA: 0, transB: 1 });

/** The way back: the first axis, `[lines]`, becomes the last one. */
function takeBack(g: Graph, by: Value, from: Value): Value {
  const lines = by.shape[0]!;
  return g.op('Gemm', [g.reshape(from, [lines, sizeOf(from.shape) / lines]), by], { transA: 1, transB: 0 });
}

const isUsual = ([, , ...taps]: readonly number[], { strides, dilations, group }: Geometry) =>
  taps.every((size) => size === 3) &&
  dilations.every((each) => each === 1) &&
  strides.every((stride) => stride === strides[0] && stride <= 2) &&
  group === 1;

/**
 * A convolution with a 3×3 kernel, `[n, c, h, w]` with `[o, c, 3, 3]`, as matrix products that autodiff knows: those of one kind over
 * all channels are one, so that values and gradients take fewer multiplications. Undefined for other kernels, and for maps so
 * large, or of so few channels, that it would take more.
 */
export function winograd(g: Graph, x: Value, w: Value, where: Geometry): Value | undefined {
  if (!isUsual(w.shape, where)) return undefined;
  const { strides, pads } = where;
  const [n, c, height, width] = x.shape as [number, number, number, number];
  const o = w.shape[0]!;
  const [high, wide] = outputSize([height, width], [3, 3], where);
  const rows = alongAxis(height, high, strides[0], pads[0]);
  const columns = alongAxis(width, wide, strides[1], pads[1]);
  const [down, across] = [rows.kernel.length, columns.kernel.length];
  const [lines, posts] = [down * rows.tiles, across * columns.tiles];
  const transforms = c * height * (width + lines) * posts + o * high * (wide + lines) * posts;
  if (transforms > 9 * high * wide * c * o) return undefined;

  const matrix = (data: Float32Array, length: number) =>
    g.constant({ type: 'float32', shape: [length, data.length / length], data });
  const kernel = rows.kernel.flatMap((a) => columns.kernel.map((b) => a.flatMap((p) => b.map((q) => p * q))));
  const kernels = make(g, matrix(Float32Array.from(kernel.flat()), down * across), w, 9);
  const inputs = make(g, matrix(rows.input, lines), make(g, matrix(columns.input, posts), x, width), height);
  const products = g.op('MatMul', [
    g.reshape(inputs, [down, rows.tiles, across, columns.tiles * n, c]),
    g.transpose(g.reshape(kernels, [down, 1, across, o, c]), [0, 1, 2, 4, 3]),
  ]);
  const sums = takeBack(g, matrix(columns.output, posts), takeBack(g, matrix(rows.output, lines), products));
  return g.reshape(sums, [n, o, high, wide]);
}
