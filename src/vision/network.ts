import { Graph, sizeOf, type Value } from './graph/graph.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { normal } from './random.ts';

/**
 * A residual network (He et al. 2016, basic blocks) with fresh weights, from `image` `[N, 3, H, W]` to `logits`
 * `[N, labels]`: a stem of stride 2, then one stage per entry of `widths`, each halving the size and holding one
 * block. Its last layer starts at zero, so that training starts from even odds.
 */
export function residualNetwork(
  { widths, labels }: { widths: readonly number[]; labels: number },
  next: () => number,
): OnnxModel {
  const g = new Graph();
  const tensor = (shape: number[], fill: () => number) =>
    g.constant({ type: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, fill) });

  const conv = (x: Value, width: number, kernel: number, stride: number) => {
    const shape = [width, x.shape[1]!, kernel, kernel];
    // Keeps the variance of the signal through a rectifier (He et al. 2015).
    const deviation = Math.sqrt(2 / (shape[1]! * kernel * kernel));
    const pad = (kernel - 1) / 2;
    const attributes = {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    };
    return g.op('Conv', [x, tensor(shape, () => normal(next) * deviation)], attributes);
  };
  const norm = (x: Value, scale: number) => {
    const channels = [x.shape[1]!];
    const parameters = [scale, 0, 0, 1].map((value) => tensor(channels, () => value));
    return g.op('BatchNormalization', [x, ...parameters], { epsilon: { float: 1e-5 } });
  };
  const relu = (x: Value) => g.op('Relu', [x]);

  const block = (x: Value, width: number) => {
    const inner = relu(norm(conv(x, width, 3, 2), 1));
    // The last scale of a block starts at zero: the block begins as its shortcut (Goyal et al. 2017).
    const residual = norm(conv(inner, width, 3, 1), 0);
    return relu(g.op('Add', [residual, norm(conv(x, width, 1, 2), 1)]));
  };

  // The size is only for building: every operator here works at any.
  const size = 2 ** (widths.length + 1);
  const image = g.input('image', [1, 3, size, size]);
  const stem = relu(norm(conv(image, widths[0]! / 2, 3, 2), 1));
  const features = widths.reduce(block, stem);
  const pooled = g.op('Flatten', [g.op('GlobalAveragePool', [features])], { axis: 1 });
  const weights = [tensor([labels, pooled.shape[1]!], () => 0), tensor([labels], () => 0)];
  const logits = g.op('Gemm', [pooled, ...weights], { transA: 0, transB: 1 });
  return g.model({ logits }, { image: ['N', 3, 'H', 'W'], logits: ['N', labels] });
}
