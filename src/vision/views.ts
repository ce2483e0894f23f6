import { type AugmentOptions, type Normalization, randomView } from './augment.ts';
import { sizeOf } from './graph/graph.ts';
import { PixelFile, type PixelSource } from './pixels.ts';
import { RowFile, type RowSource } from './rows.ts';

/** What a network is trained on, each time another view of a picture, as another thread is told: see {@link openViews}. */
export type Views = RandomCrops | CachedViews;

/** Random crops, `[3, side, side]`, of record `records[i]` for picture `i`. */
export interface RandomCrops {
  pixels: PixelSource;
  records: readonly number[];
  side: number;
  normalization: Normalization;
  augment: AugmentOptions;
}

/** What was computed from a few views of each picture: one of the `each` rows, `[…shape]`, of record `records[i]` for picture `i`. */
export interface CachedViews {
  rows: RowSource;
  records: readonly number[];
  each: number;
  shape: readonly number[];
}

/** The shape of one view. */
export function shapeOf(views: Views): readonly number[] {
  return 'rows' in views ? views.shape : [3, views.side, views.side];
}

/** Views that can be made. */
export interface OpenViews {
  /** Writes a view of picture `index` into `target`; random choices are drawn from `next`. */
  fill(index: number, target: Float32Array, next: () => number): Promise<void>;
  close(): Promise<void>;
}

export async function openViews(views: Views): Promise<OpenViews> {
  if ('rows' in views) {
    const { rows, records, each, shape } = views;
    if (rows.width !== sizeOf(shape)) throw new Error(`Rows of ${rows.width} numbers are not [${shape}]`);
    const file = await RowFile.open(rows);
    return {
      fill: (index, target, next) => file.read(records[index]! * each + Math.floor(next() * each), 1, target),
      close: () => file.close(),
    };
  }
  const { records, side, normalization, augment } = views;
  const file = await PixelFile.open(views.pixels);
  return {
    async fill(index, target, next) {
      randomView(await file.read(records[index]!), file.size, target, side, normalization, augment, next);
    },
    close: () => file.close(),
  };
}
