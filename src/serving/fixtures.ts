import { Graph } from '../vision/graph/graph.ts';
import { encodeModel } from '../vision/graph/onnx.ts';
import { type ClassifierInfo, METADATA_KEY } from '../vision/model.ts';

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
