import { intersectionOverUnion, type LabelledBox } from '../boxes.ts';

/** Bounds of the overlap above which the weaker of two boxes of one label is dropped. */
const BOUNDS = [0.3, 0.6] as const;
/** That overlap leaves alone all but this share of the objects. */
const CROWDED = 0.02;
/** Found boxes are less exact than drawn ones. */
const MARGIN = 0.1;

/**
 * Chooses the overlap for non-maximum suppression by how much objects of one label overlap in the training set: so little
 * that an object isn't found twice, so much that neighbours aren't taken for one.
 */
export function chooseSuppression(pictures: readonly (readonly LabelledBox[])[]): number {
  const overlaps = pictures.flatMap((boxes) =>
    boxes.map((box, i) => largestOverlap(box, boxes.toSpliced(i, 1))),
  );
  const sorted = overlaps.sort((a, b) => a - b);
  const usual = sorted[Math.ceil((1 - CROWDED) * sorted.length) - 1] ?? 0;
  return Math.min(BOUNDS[1], Math.max(BOUNDS[0], usual + MARGIN));
}

function largestOverlap(box: LabelledBox, others: readonly LabelledBox[]): number {
  const same = others.filter(({ label }) => label === box.label);
  return same.reduce((most, other) => Math.max(most, intersectionOverUnion(box, other)), 0);
}
