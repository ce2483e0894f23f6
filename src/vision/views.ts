import { type AugmentOptions, type Normalization, randomView } from './augment.ts';
import { sizeOf } from './graph/graph.ts';
import type { PixelFile } from './pixels.ts';
import type { Rows } from './rows.ts';

/** What a network is trained on: each time another view of a picture. */
export interface Views {
  /** Of one view. */
  shape: readonly number[];
  /** Writes a view of picture `index` into `target`; random choices are drawn from `next`. */
  fill(index: number, target: Float32Array, next: () => number): Promise<void>;
}

/** Random crops, `[3, side, side]`, of record `records[i]` for picture `i`. */
export function randomViews(
  pixels: PixelFile,
  records: readonly number[],
  side: number,
  normalization: Normalization,
  augment: AugmentOptions,
): Views {
  return {
    shape: [3, side, side],
    async fill(index, target, next) {
      const source = await pixels.read(records[index]!);
      randomView(source, pixels.size, target, side, normalization, augment, next);
    },
  };
}

/** What was computed from a few views of each picture: one of its `each` rows, `[each · pictures, …shape]`. */
export function cachedViews(rows: Rows, each: number, shape: readonly number[]): Views {
  if (rows.width !== sizeOf(shape)) throw new Error(`Rows of ${rows.width} numbers are not [${shape}]`);
  return {
    shape,
    fill: (index, target, next) => rows.read(index * each + Math.floor(next() * each), 1, target),
  };
}
