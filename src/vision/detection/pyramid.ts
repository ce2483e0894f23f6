import { type FeatureMaps, STRIDES } from '../feature-maps.ts';
import { sizeOf } from '../graph/graph.ts';
import type { OnnxModel, OnnxNode, TensorData } from '../graph/onnx.ts';
import { nodesFor } from '../needed.ts';
import { normal } from '../random.ts';

/** Channels of the pyramid and of the head. */
const WIDTH = 64;
/** The head's first guesses: scores of 0.01 (Lin et al. 2017), and boxes of e times the stride around each place. */
const FIRST_SCORE = -Math.log(99);
const FIRST_DISTANCE = 1;

/** Names of the weights of the pyramid and the head begin with this. */
export const HEAD_PREFIX = 'detector.';

/** Fresh weights of the pyramid and the head (names begin with {@link HEAD_PREFIX}). */
export function freshHead(maps: FeatureMaps, labels: number, next: () => number): Map<string, TensorData> {
  const weights = new Map<string, TensorData>();
  const set = (name: string, shape: number[], fill: () => number) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, fill);
    weights.set(HEAD_PREFIX + name, { type: 'float32', shape, data });
  };
  const kernel = (name: string, from: number, to: number, side: number, deviation?: number) => {
    const scale = deviation ?? Math.sqrt(2 / (from * side * side));
    set(`${name}.kernel`, [to, from, side, side], () => normal(next) * scale);
  };
  const norm = (name: string) => {
    const values = { scale: 1, shift: 0, mean: 0, variance: 1 };
    for (const [part, value] of Object.entries(values)) set(`${name}.${part}`, [WIDTH], () => value);
  };
  STRIDES.forEach((stride, level) => {
    kernel(`lateral${stride}`, maps[level]!.channels, WIDTH, 1);
    norm(`lateral${stride}`);
    kernel(`smooth${stride}`, WIDTH, WIDTH, 3);
    for (const tower of ['smooth', 'class', 'box']) norm(`${tower}${stride}`);
  });
  kernel('class', WIDTH, WIDTH, 3);
  kernel('box', WIDTH, WIDTH, 3);
  kernel('scores', WIDTH, labels, 1, 0.01);
  set('scores.bias', [labels], () => FIRST_SCORE);
  kernel('distances', WIDTH, 4, 1, 0.01);
  set('distances.bias', [4], () => FIRST_DISTANCE);
  return weights;
}

/**
 * A backbone with a feature pyramid (Lin et al. 2017) and an anchor-free head (Tian et al. 2019) whose kernels all levels
 * share, while each level has batch normalisations of its own. Takes `image` `[N, 3, height, width]` (multiples of 32) to
 * `predictions` `[N, 4 + labels, places]`: per place the logarithms of the distances to the left, top, right and bottom
 * side in strides, then the logits of the labels; places row by row, level by level. Weights are shared with the arguments.
 */
export function withDetector(
  backbone: OnnxModel,
  maps: FeatureMaps,
  weights: ReadonlyMap<string, TensorData>,
  [height, width]: readonly [number, number],
): OnnxModel {
  const constants = new Map<string, TensorData>();
  const nodes: OnnxNode[] = [];
  const op = (
    type: string,
    inputs: string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ): string => {
    nodes.push({ type, inputs, outputs: [HEAD_PREFIX + output], attributes });
    return HEAD_PREFIX + output;
  };
  const ints = (name: string, values: number[]): string => {
    constants.set(HEAD_PREFIX + name, {
      type: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
    return HEAD_PREFIX + name;
  };
  const own = (name: string) => HEAD_PREFIX + name;
  const conv = (x: string, name: string, output: string, side: number, bias = false): string => {
    const pad = (side - 1) / 2;
    const attributes = { kernel_shape: [side, side], strides: [1, 1], pads: [pad, pad, pad, pad] };
    const parameters = [own(`${name}.kernel`), ...(bias ? [own(`${name}.bias`)] : [])];
    return op('Conv', [x, ...parameters], output, attributes);
  };
  const norm = (x: string, name: string): string => {
    const parameters = ['scale', 'shift', 'mean', 'variance'].map((part) => own(`${name}.${part}`));
    return op('BatchNormalization', [x, ...parameters], `${name}.normal`, { epsilon: { float: 1e-5 } });
  };
  const relu = (x: string) => op('Relu', [x], `${x.slice(HEAD_PREFIX.length)}.relu`);

  const block = (x: string, kernelName: string, name: string, side: number) =>
    relu(norm(conv(x, kernelName, `${name}.map`, side), name));

  /** Twice as wide and high, each value four times. `stride`: before. */
  const enlarge = (x: string, stride: number): string => {
    const [h, w] = [height / stride, width / stride];
    const apart = op('Reshape', [x, ints(`apart${stride}`, [0, WIDTH, h, 1, w, 1])], `apart${stride}.y`);
    const spread = op('Expand', [apart, ints(`spread${stride}`, [1, 1, 1, 2, 1, 2])], `spread${stride}.y`);
    return op('Reshape', [spread, ints(`joint${stride}`, [0, WIDTH, 2 * h, 2 * w])], `joint${stride}.y`);
  };

  const levels: string[] = [];
  let above: string | undefined;
  for (const [level, stride] of [...STRIDES.entries()].reverse()) {
    const lateral = block(maps[level]!.name, `lateral${stride}`, `lateral${stride}`, 1);
    const sum: string = above ? op('Add', [lateral, enlarge(above, 2 * stride)], `sum${stride}`) : lateral;
    above = sum;
    const smooth = block(sum, `smooth${stride}`, `smooth${stride}`, 3);
    const scores = conv(block(smooth, 'class', `class${stride}`, 3), 'scores', `scores${stride}`, 1, true);
    const box = block(smooth, 'box', `box${stride}`, 3);
    const distances = conv(box, 'distances', `distances${stride}`, 1, true);
    const both = op('Concat', [distances, scores], `both${stride}`, { axis: 1 });
    const labels = weights.get(own('scores.bias'))!.data.length;
    const places = (height * width) / stride ** 2;
    levels.unshift(op('Reshape', [both, ints(`flat${stride}`, [0, 4 + labels, places])], `flat${stride}.y`));
  }
  nodes.push({ type: 'Concat', inputs: levels, outputs: ['predictions'], attributes: { axis: 2 } });
  return {
    ...backbone,
    // Without what only the backbone's own output needs: that would have weights which nothing trains.
    nodes: [
      ...nodesFor(
        maps.map(({ name }) => name),
        backbone.nodes,
      ),
      ...nodes,
    ],
    initializers: new Map([...backbone.initializers, ...weights, ...constants]),
    inputs: [{ name: 'image', tensor: { type: 'float32', shape: ['N', 3, height, width] } }],
    outputs: [{ name: 'predictions' }],
  };
}

/** Centres of the places of an input, in the order of the predictions, in pixels, and the stride at each. */
export interface Places {
  x: Float32Array;
  y: Float32Array;
  stride: Float32Array;
}

export function placesOf(height: number, width: number): Places {
  const places = STRIDES.flatMap((stride) => {
    const [rows, columns] = [height / stride, width / stride];
    return Array.from({ length: rows * columns }, (_, i) => ({
      x: ((i % columns) + 0.5) * stride,
      y: (Math.floor(i / columns) + 0.5) * stride,
      stride,
    }));
  });
  const list = (key: 'x' | 'y' | 'stride') => Float32Array.from(places, (place) => place[key]);
  return { x: list('x'), y: list('y'), stride: list('stride') };
}
