import { foldBatchNorm } from '../graph/fold.ts';
import type { OnnxModel, OnnxNode, TensorData } from '../graph/onnx.ts';
import { LIMIT } from './loss.ts';
import { placesOf } from './pyramid.ts';
import type { InputSize } from './scale.ts';

/** Boxes below this score are dropped; so are those of a label beyond the best ones. */
const MINIMUM_SCORE = 0.01;
const BOXES_PER_LABEL = 100;

/**
 * A trained detector (see `withDetector`, of that input size) as it predicts: `image` `[1, 3, height, width]` to `detections`
 * `[found, 6]` (left, top, right, bottom in pixels of the input, score 0–1, number of the label) after non-maximum suppression:
 * boxes that overlap a better one of their label by more than `suppression` are dropped.
 */
export function toPredictor(model: OnnxModel, { width, height }: InputSize, suppression: number): OnnxModel {
  const initializers = new Map<string, TensorData>();
  const nodes: OnnxNode[] = [];
  const name = (text: string) => `predict.${text}`;
  const op = (type: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}) => {
    nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  };
  const floats = (key: string, shape: number[], data: ArrayLike<number>) => {
    initializers.set(name(key), { type: 'float32', shape, data: Float32Array.from(data) });
    return name(key);
  };
  const ints = (key: string, values: number[], shape = [values.length]) => {
    initializers.set(name(key), { type: 'int64', shape, data: BigInt64Array.from(values, BigInt) });
    return name(key);
  };
  const part = (x: string, axis: number, from: number, to: number, key: string) =>
    op(
      'Slice',
      [x, ints(`${key}.from`, [from]), ints(`${key}.to`, [to]), ints(`${key}.axis`, [axis])],
      name(key),
    );

  const { x, y, stride } = placesOf(height, width);
  const places = x.length;
  const all = 2 ** 31 - 1;
  const logarithms = part('predictions', 1, 0, 4, 'logarithms');
  const limited = op('Min', [logarithms, floats('limit', [], [LIMIT])], name('limited'));
  const strides = floats('strides', [1, 1, places], stride);
  const distances = op('Mul', [op('Exp', [limited], name('ratios')), strides], name('distances'));
  const before = op(
    'Sub',
    [floats('centres', [1, 2, places], [...x, ...y]), part(distances, 1, 0, 2, 'near')],
    name('before'),
  );
  const after = op('Add', [name('centres'), part(distances, 1, 2, 4, 'far')], name('after'));
  const sides = op('Concat', [before, after], name('sides'), { axis: 1 });
  const boxes = op('Transpose', [sides], name('boxes'), { perm: [0, 2, 1] });
  const scores = op('Sigmoid', [part('predictions', 1, 4, all, 'logits')], name('scores'));
  const limits = [
    ints('most', [BOXES_PER_LABEL]),
    floats('suppression', [1], [suppression]),
    floats('minimum', [1], [MINIMUM_SCORE]),
  ];
  const kept = op('NonMaxSuppression', [boxes, scores, ...limits], name('kept'));
  const ofPicture = op('Squeeze', [boxes, ints('first', [0])], name('ofPicture'));
  const place = op('Gather', [kept, ints('place', [2], [])], name('places'), { axis: 1 });
  const label = op('Gather', [kept, ints('label', [1], [])], name('label.int'), { axis: 1 });
  const column = (value: string) => op('Unsqueeze', [value, ints('column', [1])], `${value}.column`);
  const columns = [
    op('Gather', [ofPicture, place], name('found'), { axis: 0 }),
    column(op('GatherND', [scores, kept], name('found.scores'))),
    column(op('Cast', [label], name('found.labels'), { to: 1 })),
  ];
  op('Concat', columns, 'detections', { axis: 1 });

  const folded = foldBatchNorm(model);
  return {
    ...folded,
    nodes: [...folded.nodes, ...nodes],
    initializers: new Map([...folded.initializers, ...initializers]),
    inputs: [{ name: 'image', tensor: { type: 'float32', shape: [1, 3, height, width] } }],
    outputs: [{ name: 'detections', tensor: { type: 'float32', shape: ['found', 6] } }],
  };
}
