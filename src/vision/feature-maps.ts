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
export const FINE = 4;
/** A square that every usual backbone takes, whatever its own input size. */
const PROBE = 256;

/**
 * The last feature map of each stride in a backbone's graph, from `image` `[N, 3, H, W]`; undefined when there isn't one of
 * each, as in a vision transformer, or when the graph holds for one size only.
 */
export async function findFeatureMaps(
  backbone: OnnxModel,
  strides: readonly number[] = STRIDES,
): Promise<FeatureMaps | undefined> {
  const graph = new Graph(backbone.opset);
  const image = graph.input('image', [1, 3, PROBE, PROBE]);
  const values = await instantiate(graph, backbone, { image }).catch(() => undefined);
  if (!values) return undefined;
  const last = (stride: number) =>
    [...values].findLast(([, { shape }]) => isMap(shape, PROBE / stride) && shape[1]! > 3);
  const maps = strides.map(last);
  if (maps.some((map) => map === undefined)) return undefined;
  return maps.map((map) => ({ name: map![0], channels: map![1].shape[1]! }));
}

const isMap = (shape: Value['shape'], side: number) =>
  shape.length === 4 && shape[2] === side && shape[3] === side;

/** Names of the weights up to that stride. None where there is no such feature map. */
export async function fineWeights(backbone: OnnxModel): Promise<Set<string>> {
  const maps = await findFeatureMaps(backbone, [FINE]);
  return maps ? weightNames(upTo(maps[0]!.name, backbone)) : new Set();
}
