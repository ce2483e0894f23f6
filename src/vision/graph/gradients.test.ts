import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { differentiate } from './differentiate.ts';
import { Executable } from './executable.ts';
import { type Attributes, Graph, sizeOf, type Value } from './graph.ts';
import { encodeModel } from './onnx.ts';
import { operators } from './operators.ts';

/** One case: the shapes of the differentiable inputs and how to build the operator's result from them. */
interface Case {
  inputs: number[][];
  build(g: Graph, inputs: Value[]): Value;
  /** Keeps inputs above this value, for operators that are only defined or smooth there. */
  above?: number;
  /** Operator set, where it must be a later one than the engine's own. */
  opset?: number;
}

const simple =
  (type: string, attributes = {}) =>
  (g: Graph, inputs: Value[]) =>
    g.op(type, inputs, attributes);
const unary = (type: string, above?: number): Case => ({ inputs: [[3, 4]], build: simple(type), above });
const conv = (x: number[], w: number[], attributes: Attributes): Case => ({
  inputs: [x, w, [w[0]!]],
  build: simple('Conv', attributes),
});

const cases: Record<string, Case[]> = {
  Add: [
    {
      inputs: [
        [2, 3, 4],
        [3, 1],
      ],
      build: simple('Add'),
    },
    {
      inputs: [
        [3, 1],
        [2, 3, 4],
      ],
      build: simple('Add'),
    },
  ],
  Sub: [{ inputs: [[2, 3], []], build: simple('Sub') }],
  Mul: [
    {
      inputs: [
        [2, 1, 4],
        [2, 3, 1],
      ],
      build: simple('Mul'),
    },
  ],
  Div: [{ inputs: [[2, 3], [3]], build: simple('Div'), above: 0.5 }],
  Identity: [unary('Identity')],
  Neg: [unary('Neg')],
  Exp: [unary('Exp')],
  Log: [unary('Log', 0.5)],
  Sqrt: [unary('Sqrt', 0.5)],
  Relu: [
    unary('Relu', 0.5),
    { inputs: [[2, 3]], build: (g, [x]) => g.op('Relu', [g.op('Neg', [x!])]), above: 0.5 },
  ],
  Sigmoid: [unary('Sigmoid')],
  Softplus: [unary('Softplus')],
  MatMul: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      build: simple('MatMul'),
    },
    {
      inputs: [
        [5, 2, 3],
        [3, 4],
      ],
      build: simple('MatMul'),
    },
    {
      inputs: [
        [2, 1, 2, 3],
        [5, 3, 4],
      ],
      build: simple('MatMul'),
    },
  ],
  Gemm: [
    { inputs: [[2, 3], [3, 4], [4]], build: simple('Gemm', { transA: 0, transB: 0 }) },
    { inputs: [[2, 3], [4, 3], [4]], build: simple('Gemm', { transA: 0, transB: 1 }) },
    {
      inputs: [
        [3, 2],
        [3, 4],
      ],
      build: simple('Gemm', { transA: 1, transB: 0 }),
    },
    {
      inputs: [
        [3, 2],
        [4, 3],
      ],
      build: simple('Gemm', { transA: 1, transB: 1 }),
    },
  ],
  Conv: [
    conv([2, 3, 5, 6], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }),
    conv([2, 3, 6, 7], [4, 3, 3, 3], { pads: [1, 1, 1, 1], strides: [2, 2] }),
    conv([2, 3, 6, 5], [4, 3, 1, 1], { pads: [0, 0, 0, 0], strides: [2, 2] }),
    conv([1, 2, 8, 7], [3, 2, 5, 2], { pads: [2, 0, 1, 1], strides: [3, 2] }),
    conv([2, 3, 9, 8], [4, 3, 3, 3], { pads: [2, 2, 2, 2], strides: [2, 1], dilations: [2, 2] }),
    conv([2, 6, 7, 6], [6, 1, 3, 3], { pads: [1, 1, 1, 1], group: 6 }),
    conv([3, 4, 8, 8], [4, 1, 5, 5], { pads: [2, 2, 2, 2], strides: [2, 2], group: 4 }),
    conv([2, 6, 6, 7], [9, 2, 3, 3], { pads: [0, 0, 0, 0], strides: [2, 2], group: 3 }),
  ],
  BatchNormalization: [
    {
      inputs: [[3, 2, 4, 5], [2], [2]],
      build: (g, [x, scale, bias]) => {
        const running = [-0.3, 1.7].map((value) =>
          g.constant({ type: 'float32', shape: [2], data: new Float32Array(2).fill(value) }),
        );
        return g.op('BatchNormalization', [x!, scale!, bias!, ...running]);
      },
    },
    {
      inputs: [[3, 2, 4, 5], [2], [2]],
      build: (g, [x, scale, bias]) => {
        const running = () => g.constant({ type: 'float32', shape: [2], data: new Float32Array(2) });
        const attributes = { training_mode: 1, epsilon: { float: 1e-5 }, momentum: { float: 0 } };
        return g.op('BatchNormalization', [x!, scale!, bias!, running(), running()], attributes);
      },
    },
  ],
  Pow: [
    { inputs: [[3, 4]], build: (g, [x]) => g.op('Pow', [x!, g.scalar(3)]) },
    { inputs: [[3, 4]], build: (g, [x]) => g.op('Pow', [x!, g.scalar(0.5)]), above: 0.5 },
  ],
  Erf: [unary('Erf')],
  Tanh: [unary('Tanh')],
  HardSigmoid: [
    { inputs: [[3, 4]], build: simple('HardSigmoid', { alpha: { float: 0.1 }, beta: { float: 0.5 } }) },
  ],
  HardSwish: [unary('HardSwish')],
  Clip: [
    { inputs: [[3, 4]], build: (g, [x]) => g.op('Clip', [x!, g.scalar(-9), g.scalar(9)]) },
    { inputs: [[3, 4]], build: (g, [x]) => g.op('Clip', [x!, g.scalar(-9), g.scalar(0.4)]), above: 0.5 },
  ],
  LeakyRelu: [
    unary('LeakyRelu', 0.5),
    { inputs: [[2, 3]], build: (g, [x]) => g.op('LeakyRelu', [g.op('Neg', [x!])]), above: 0.5 },
  ],
  Gelu: [{ ...unary('Gelu'), opset: 20 }],
  MaxPool: [
    {
      inputs: [[2, 3, 7, 6]],
      build: simple('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    },
  ],
  AveragePool: [
    { inputs: [[2, 3, 4, 6]], build: simple('AveragePool', { kernel_shape: [2, 3], strides: [2, 3] }) },
  ],
  LayerNormalization: [{ inputs: [[2, 3, 8], [8], [8]], build: simple('LayerNormalization') }],
  Concat: [
    {
      inputs: [
        [2, 3],
        [2, 1],
        [2, 4],
      ],
      build: simple('Concat', { axis: -1 }),
    },
  ],
  Slice: [
    {
      inputs: [[4, 5, 6]],
      build: (g, [x]) =>
        g.op('Slice', [
          x!,
          ...[
            [1, 2],
            [3, 6],
            [0, 2],
            [1, 1],
          ].map((list) => g.ints(list)),
        ]),
    },
  ],
  LogSoftmax: [unary('LogSoftmax')],
  Softmax: [unary('Softmax')],
  ReduceSum: [{ inputs: [[2, 3, 4]], build: (g, [x]) => g.sum(x!, [0, 2]) }],
  ReduceMean: [
    { inputs: [[2, 3, 4]], build: (g, [x]) => g.op('ReduceMean', [x!, g.ints([-1])], { keepdims: 1 }) },
  ],
  ReduceL2: [{ inputs: [[2, 3, 4]], build: (g, [x]) => g.op('ReduceL2', [x!, g.ints([1])]) }],
  ReduceSumSquare: [
    { inputs: [[2, 3, 4]], build: (g, [x]) => g.op('ReduceSumSquare', [x!, g.ints([0, 2])]) },
  ],
  GlobalAveragePool: [{ inputs: [[2, 3, 4, 5]], build: simple('GlobalAveragePool') }],
  Reshape: [{ inputs: [[2, 3, 4]], build: (g, [x]) => g.reshape(x!, [0, -1]) }],
  Flatten: [{ inputs: [[2, 3, 4]], build: simple('Flatten', { axis: 1 }) }],
  Transpose: [{ inputs: [[2, 3, 4]], build: simple('Transpose', { perm: [2, 0, 1] }) }],
  Pad: [{ inputs: [[2, 3, 4]], build: (g, [x]) => g.op('Pad', [x!, g.ints([0, 1, 2, 1, 0, 3])]) }],
  Expand: [{ inputs: [[3, 1]], build: (g, [x]) => g.op('Expand', [x!, g.ints([2, 3, 4])]) }],
};

/**
 * Compares the gradient with central differences along random directions. The loss is a random weighting of
 * the result, so that every element of the gradient matters.
 */
async function check({ inputs: shapes, build, above = -Infinity, opset }: Case): Promise<void> {
  const next = random(7);
  const normal = (shape: number[]) =>
    Float32Array.from({ length: sizeOf(shape) }, () => (next() + next() + next() - 1.5) * 2);
  const g = new Graph(opset);
  const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
  const y = build(g, inputs);
  const weights = g.constant({ type: 'float32', shape: [...y.shape], data: normal([...y.shape]) });
  const loss = g.sum(
    g.op('Mul', [y, weights]),
    y.shape.map((_, i) => i),
  );
  const gradients = differentiate(g, loss, inputs);
  gradients.forEach((gradient, i) => void expect(gradient.shape).toEqual(shapes[i]));
  const outputs = Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient]));
  const executable = await Executable.compile(encodeModel(g.model({ loss, ...outputs })));

  const point = shapes.map((shape) =>
    normal(shape).map((v) => (v < above ? above + Math.abs(v - above) : v)),
  );
  const run = (values: Float32Array[]) =>
    executable.run(Object.fromEntries(values.map((data, i) => [`x${i}`, { data, shape: shapes[i]! }])));
  const at = await run(point);
  for (const [i, shape] of shapes.entries()) {
    const direction = normal(shape);
    const step = 1e-2;
    const moved = (sign: number) =>
      run(point.map((data, k) => (k === i ? data.map((v, j) => v + sign * step * direction[j]!) : data)));
    const [plus, minus] = [await moved(1), await moved(-1)];
    const numeric = (plus.loss![0]! - minus.loss![0]!) / (2 * step);
    const analytic = at[`d${i}`]!.reduce((total, d, j) => total + d * direction[j]!, 0);
    const scale = Math.sqrt(at[`d${i}`]!.reduce((total, d) => total + d * d, 0)) + 1e-3;
    expect(Math.abs(numeric - analytic) / scale, `input ${i}: ${numeric} against ${analytic}`).toBeLessThan(
      0.02,
    );
  }
  await executable.release();
}

describe('derivative rules', () => {
  it('has a numeric check for every operator that has a rule', () => {
    const differentiable = Object.keys(operators).filter((type) => operators[type]!.gradient);
    expect(Object.keys(cases).sort()).toEqual(differentiable.sort());
  });

  for (const [type, list] of Object.entries(cases)) {
    it.each(list.map((entry, i) => [`${type} ${i}`, entry] as const))('%s', (_name, entry) => check(entry));
  }
});
