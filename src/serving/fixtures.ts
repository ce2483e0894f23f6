import { Graph } from '../vision/graph/graph.ts';
import { encodeModel, type OnnxNode, OPSET, type TensorData } from '../vision/graph/onnx.ts';
import { type ClassifierInfo, type DetectorInfo, METADATA_KEY } from '../vision/model.ts';

/** A model that needs no training: the score of a colour is its share in the picture. */
export function colourModel(): Uint8Array {
  const side = 8;
  const labels = ['red', 'green', 'blue'];
  const info: ClassifierInfo = {
    version: 1,
    kind: 'classifier',
    exclusive: true,
    labels,
    thresholds: [0.5, 0.4, 0.3],
    inputSize: side,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  };
  const graph = new Graph();
  const image = graph.input('image', [1, 3, side, side]);
  const scores = graph.op('Softmax', [graph.sum(image, [2, 3])], { axis: -1 });
  const model = graph.model({ scores }, { image: ['N', 3, side, side], scores: ['N', labels.length] });
  return encodeModel({ ...model, metadata: { [METADATA_KEY]: JSON.stringify(info) } });
}

const COLOURS = ['red', 'green', 'blue'];

/**
 * A detector that needs no training: for each of red, green and blue the box around everything of that colour. Its score is how
 * strong the colour is: by how much the channel exceeds the two others together, at most, if that is 0.1 or more.
 */
export function colourDetector(labels = COLOURS, side = 128): Uint8Array {
  const info: DetectorInfo = {
    version: 1,
    kind: 'detector',
    labels,
    thresholds: labels.map((_, label) => 0.5 - label / 10),
    inputWidth: side,
    inputHeight: side,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  };
  const count = labels.length;
  const initializers = new Map<string, TensorData>();
  const floats = (name: string, shape: number[], data: number[]) => {
    initializers.set(name, { type: 'float32', shape, data: Float32Array.from(data) });
    return name;
  };
  const ints = (name: string, values: number[]) => {
    initializers.set(name, {
      type: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
    return name;
  };
  const nodes: OnnxNode[] = [];
  const op = (type: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}) => {
    nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  };
  const places = Array.from({ length: side }, (_, place) => place);
  const starts = floats('starts', [side], places);
  const ends = floats(
    'ends',
    [side],
    places.map((place) => place + 1),
  );
  const kernel = labels.flatMap((label) => COLOURS.map((colour) => (colour === label ? 1 : -1)));
  const colour = op('Conv', ['image', floats('kernel', [count, 3, 1, 1], kernel)], 'colour');

  /** First and last place along one axis that has the colour, `[1, count]` each. */
  const extent = (name: string, across: number) => {
    const line = op('ReduceMax', [colour, ints(`${name}.across`, [across])], `${name}.line`, { keepdims: 0 });
    const there = op('Greater', [line, floats(`${name}.least`, [], [0.1])], `${name}.there`);
    const first = op('Where', [there, starts, floats(`${name}.far`, [], [side])], `${name}.starts`);
    const last = op('Where', [there, ends, floats(`${name}.near`, [], [0])], `${name}.ends`);
    const axis = ints(`${name}.axis`, [2]);
    return [
      op('ReduceMin', [first, axis], `${name}.first`, { keepdims: 1 }),
      op('ReduceMax', [last, axis], `${name}.last`, { keepdims: 1 }),
    ];
  };
  const [left, right] = extent('x', 2);
  const [top, bottom] = extent('y', 3);
  const strongest = op('ReduceMax', [colour, ints('pixels', [2, 3])], 'strongest', { keepdims: 0 });
  const score = op('Unsqueeze', [strongest, ints('last', [2])], 'score');
  const label = floats('label', [1, count, 1], [...labels.keys()]);
  op('Concat', [left!, top!, right!, bottom!, score, label], 'rows', { axis: 2 });
  op('Reshape', ['rows', ints('shape', [count, 6])], 'detections');
  return encodeModel({
    opset: OPSET,
    nodes,
    initializers,
    inputs: [{ name: 'image', tensor: { type: 'float32', shape: [1, 3, side, side] } }],
    outputs: [{ name: 'detections', tensor: { type: 'float32', shape: ['found', 6] } }],
    metadata: { [METADATA_KEY]: JSON.stringify(info) },
  });
}
