import { Graph, type Value } from './graph/graph.ts';
import { instantiate } from './graph/instantiate.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';
import { upTo } from './needed.ts';

/** Strides of a feature pyramid's levels, in pixels. */
export const STRIDES = [8, 16, 32] as const;

/** Feature maps of a backbone: their names and channels. */
export type FeatureMaps = { name: string; channels: number }[];

/** A backbone's weights up to this stride make edges and spots, which any picture has: they are kept in fine-tuning. */
const FINE = 4;
/** A square that every usual backbone takes, whatever its own input size. */
const PROBE = 256;

/**
 * The last feature map of each stride in a backbone's graph, from `image` `[N, 3, H, W]`; undefined when there isn't one of
 * each, as in a vision transformer, or when the graph holds for one size only.
 */
export async function findFeatureMaps(backbone: OnnxModel): Promise<FeatureMaps | undefined> {
  const values = await valuesOf(backbone);
  const maps = STRIDES.map((stride) => values.findLast(isMap(stride)));
  if (maps.some((map) => map === undefined)) return undefined;
  return maps.map((map) => ({ name: map![0], channels: map![1].shape[1]! }));
}

/** The backbone's values for one picture, in order; none when the graph holds for another size only. */
async function valuesOf(backbone: OnnxModel): Promise<[string, Value][]> {
  const graph = new Graph(backbone.opset);
  const image = graph.input('image', [1, 3, PROBE, PROBE]);
  return await instantiate(graph, backbone, { image }).then(
    (values) => [...values],
    () => [],
  );
}

function isMap(stride: number) {
  const side = PROBE / stride;
  return ([, { shape }]: [string, Value]) =>
    shape.length === 4 && shape[1]! > 3 && shape[2] === side && shape[3] === side;
}

/** Name of the last map of that stride before the first coarser one: a way back up is not fine. Undefined where there is none. */
export async function findFineMap(backbone: OnnxModel): Promise<string | undefined> {
  const values = await valuesOf(backbone);
  const coarser = values.findIndex(isMap(2 * FINE));
  return values.slice(0, Math.max(0, coarser)).findLast(isMap(FINE))?.[0];
}

/** Names of the weights up to that map. None where there is no such map. */
export async function fineWeights(backbone: OnnxModel): Promise<Set<string>> {
  const name = await findFineMap(backbone);
  return name ? weightNames(upTo(name, backbone)) : new Set();
}
