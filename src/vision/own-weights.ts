import type { OnnxModel } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';

/** The same model with weights and batch statistics of its own, to be trained in place. */
export function withOwnWeights(model: OnnxModel): OnnxModel {
  const trained = weightNames(model);
  const statistics = new Set(
    model.nodes.filter(({ type }) => type === 'BatchNormalization').flatMap(({ inputs }) => inputs.slice(3)),
  );
  const initializers = [...model.initializers].map(([name, tensor]) => {
    const own = trained.has(name) || statistics.has(name);
    return [name, own ? { ...tensor, data: tensor.data.slice() } : tensor] as const;
  });
  return { ...model, initializers: new Map(initializers) };
}
