import type { OnnxModel, OnnxNode, TensorData } from './graph/onnx.ts';

const name = (text: string) => `mirror.${text}`;

/**
 * The same network, from `image` to `logits` `[N, labels]`, whose logits are the mean of those for a picture and for its
 * mirror image. Weights are shared with the argument.
 */
export function withMirrorImages(model: OnnxModel, labels: number): OnnxModel {
  const initializers = new Map<string, TensorData>();
  const ints = (text: string, values: number[], shape = [values.length]) => {
    initializers.set(name(text), { type: 'int64', shape, data: BigInt64Array.from(values, BigInt) });
    return name(text);
  };
  const op = (type: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}) => ({
    type,
    inputs,
    outputs: [output],
    attributes,
  });
  const turned = [ints('last', [-1]), ints('first', [-(2 ** 31)]), ints('columns', [3]), ints('back', [-1])];
  const before = [
    op('Slice', ['image', ...turned], name('image')),
    op('Concat', ['image', name('image')], name('both'), { axis: 0 }),
  ];
  const renamed = new Map([
    ['image', name('both')],
    ['logits', name('logits')],
  ]);
  const rename = (value: string) => renamed.get(value) ?? value;
  const network = model.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  initializers.set(name('half'), { type: 'float32', shape: [], data: Float32Array.of(0.5) });
  const pairs = name('pairs');
  const after = [
    op('Reshape', [name('logits'), ints('shape', [2, -1, labels])], pairs),
    op('Gather', [pairs, ints('0', [0], [])], name('own'), { axis: 0 }),
    op('Gather', [pairs, ints('1', [1], [])], name('mirrored'), { axis: 0 }),
    op('Add', [name('own'), name('mirrored')], name('sum')),
    op('Mul', [name('sum'), name('half')], 'logits'),
  ];
  return {
    ...model,
    nodes: [...before, ...network, ...after],
    initializers: new Map([...model.initializers, ...initializers]),
  };
}
