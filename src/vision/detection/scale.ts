import type { LabelledBox } from '../boxes.ts';
import type { ImageSize } from '../image.ts';

/** A training picture. */
export interface Measured {
  size: ImageSize;
  boxes: readonly LabelledBox[];
}

/** Size of a detector's input in pixels, multiples of 32. */
export interface InputSize {
  width: number;
  height: number;
}

/** Boxes of every label should be so many pixels (root of the area), but for the smallest quarter. */
const WANTED_SIDE = 24;
/** Bounds of the input's longer side; smaller pictures than the first aren't enlarged for it. */
const SIDES = { usual: 320, smallest: 64, largest: 1024 };
/** Pictures are not enlarged by less than this: they would only be blurred. */
const CLOSE = 1.25;
/** The input is as wide and high as so many of the pictures, with equal longer sides; the others are made smaller. */
const FITTING = 0.9;
const MULTIPLE = 32;

/**
 * Chooses the input by the training set: so large that small objects cover several places of the finest level, no
 * larger, and of the pictures' usual proportions.
 */
export function chooseInput(pictures: readonly Measured[]): InputSize {
  const needed = WANTED_SIDE / smallSide(pictures);
  const longest = quantile(
    pictures.map(({ size }) => Math.max(size.width, size.height)),
    FITTING,
  );
  const least = Math.max(SIDES.smallest, Math.min(SIDES.usual, longest));
  const wanted = Math.min(SIDES.largest, Math.max(least, needed));
  const longer = roundUp(wanted > longest && wanted <= longest * CLOSE ? longest : wanted);
  const shares = pictures.map(({ size }) => ({
    width: size.width / Math.max(size.width, size.height),
    height: size.height / Math.max(size.width, size.height),
  }));
  const room = (key: 'width' | 'height') =>
    Math.min(
      longer,
      roundUp(
        longer *
          quantile(
            shares.map((share) => share[key]),
            FITTING,
          ),
      ),
    );
  return { width: room('width'), height: room('height') };
}

/** The side of small boxes: of the label that has the smallest, all but the smallest quarter. A share of a picture's longer side; infinite: no boxes. */
function smallSide(pictures: readonly Measured[]): number {
  const sides = new Map<number, number[]>();
  for (const { size, boxes } of pictures) {
    for (const { label, width, height } of boxes) {
      const longer = Math.max(size.width, size.height);
      const side = Math.sqrt(width * size.width * height * size.height) / longer;
      const list = sides.get(label);
      if (list) list.push(side);
      else sides.set(label, [side]);
    }
  }
  return Math.min(...[...sides.values()].map((list) => quantile(list, 0.25)));
}

const roundUp = (side: number) => Math.ceil((side - 1e-6) / MULTIPLE) * MULTIPLE;

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
