import type { OnnxModel, OnnxNode, TensorData } from './onnx.ts';

/**
 * Folds every batch normalisation that follows a convolution into the convolution's kernel and bias (with running
 * statistics, as in prediction): the same function in fewer nodes. Returns a new model; the given one stays as it is.
 */
export function foldBatchNorm(model: OnnxModel): OnnxModel {
  const initializers = new Map(model.initializers);
  const uses = new Map<string, number>();
  const outputs = model.outputs.map(({ name }) => name);
  for (const name of [...model.nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  const producers = new Map(model.nodes.map((node) => [node.outputs[0]!, node]));
  const replaced = new Map<OnnxNode, OnnxNode | undefined>();
  for (const node of model.nodes) {
    if (node.type !== 'BatchNormalization') continue;
    const conv = producers.get(node.inputs[0]!);
    if (conv?.type !== 'Conv' || uses.get(conv.outputs[0]!) !== 1) continue;
    const folded = fold(conv, node, initializers);
    if (!folded) continue;
    replaced.set(conv, folded);
    replaced.set(node, undefined);
  }
  const nodes = model.nodes.flatMap((node) => {
    const next = replaced.has(node) ? replaced.get(node) : node;
    return next ? [next] : [];
  });
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  return { ...model, nodes, initializers: new Map([...initializers].filter(([name]) => used.has(name))) };
}

/** kernel·γ/√(σ² + ε) and (bias − μ)·γ/√(σ² + ε) + β per output channel. */
function fold(conv: OnnxNode, norm: OnnxNode, initializers: Map<string, TensorData>): OnnxNode | undefined {
  const floats = (name?: string) =>
    (name ? initializers.get(name)?.data : undefined) as Float32Array | undefined;
  const kernel = initializers.get(conv.inputs[1]!);
  const [scale, shift, mean, variance] = norm.inputs.slice(1).map(floats);
  if (!kernel || !scale || !shift || !mean || !variance) return undefined;
  const { epsilon = { float: 1e-5 } } = norm.attributes as { epsilon?: { float: number } };
  const bias = floats(conv.inputs[2]);
  const factors = scale.map((v, c) => v / Math.sqrt(variance[c]! + epsilon.float));
  const perChannel = kernel.data.length / factors.length;
  const weights = (kernel.data as Float32Array).map((v, i) => v * factors[Math.floor(i / perChannel)]!);
  const output = norm.outputs[0]!;
  initializers.set(`${output}.kernel`, { ...kernel, data: weights });
  initializers.set(`${output}.bias`, {
    type: 'float32',
    shape: [factors.length],
    data: factors.map((v, c) => ((bias?.[c] ?? 0) - mean[c]!) * v + shift[c]!),
  });
  return { ...conv, inputs: [conv.inputs[0]!, `${output}.kernel`, `${output}.bias`], outputs: [output] };
}
