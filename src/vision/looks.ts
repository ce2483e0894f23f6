import { type AugmentOptions, type Normalization, randomView, wholeView } from './augment.ts';
import { resizeSquare } from './image.ts';
import { PixelFile, type PixelSource } from './pixels.ts';
import { random } from './random.ts';
import { inThread } from './thread.ts';

/** Looks at pictures, in order: at the whole of each, at its mirror image where that is wanted, and at random views of it. */
export interface Looks {
  pixels: PixelSource;
  records: readonly number[];
  /** Side in pixels. */
  side: number;
  normalization: Normalization;
  /** The mirror image of the whole follows it. */
  mirrored?: boolean;
  /** So many random views of each picture; look `i` is drawn with the seed `seed + i`. */
  random?: { count: number; seed: number; augment: AugmentOptions };
}

/** Looks at each picture. */
export const looksAtEach = ({ mirrored, random }: Looks) => 1 + (mirrored ? 1 : 0) + (random?.count ?? 0);

export interface LookBatch {
  /** `[looks, 3, side, side]` */
  images: Float32Array;
}

const BATCH = 32;

/** Batches of looks, made in a thread of their own. */
export function looksInBatches(looks: Looks): AsyncGenerator<LookBatch, void> {
  return inThread(import.meta.url, looks);
}

/** What runs in that thread. */
export default async function* makeBatches(looks: Looks): AsyncGenerator<LookBatch, void> {
  const { records, side, normalization, mirrored = false } = looks;
  const each = looksAtEach(looks);
  const count = records.length * each;
  const size = 3 * side * side;
  const pixels = await PixelFile.open(looks.pixels);
  try {
    for (let from = 0; from < count; from += BATCH) {
      const images = new Float32Array(Math.min(BATCH, count - from) * size);
      for (let i = from; (i - from) * size < images.length; i++) {
        const source = await pixels.read(records[Math.floor(i / each)]!);
        const target = images.subarray((i - from) * size, (i - from + 1) * size);
        const look = i % each;
        if (look === 0 || (look === 1 && mirrored)) {
          const whole = await resizeSquare(source, pixels.size, side);
          wholeView(whole, target, side, normalization, look === 1);
        } else {
          const { seed, augment } = looks.random!;
          randomView(source, pixels.size, target, side, normalization, augment, random(seed + i));
        }
      }
      yield { images };
    }
  } finally {
    await pixels.close();
  }
}
