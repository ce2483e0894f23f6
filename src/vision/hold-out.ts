import { permutation, random } from './random.ts';

/** How much is held out to tell two models apart: a share of each label's pictures, and about so many of many pictures. */
const ENOUGH = { share: 0.2, pictures: 2000 };

/**
 * Places of pictures to hold out, in order: about the same share of each label (of a picture's first, where it has several), and
 * none of a label with too few for it (with the usual share: fewer than five).
 */
export function holdOut(
  labels: readonly (readonly number[])[],
  seed: number,
  most: { share: number; pictures: number } = ENOUGH,
): number[] {
  const share = Math.min(most.share, most.pictures / labels.length);
  const byLabel = new Map<number, number[]>();
  for (const i of permutation(labels.length, random(seed))) {
    const label = labels[i]![0] ?? -1;
    const places = byLabel.get(label);
    if (places) places.push(i);
    else byLabel.set(label, [i]);
  }
  const held = [...byLabel.values()].flatMap((places) => places.slice(0, Math.floor(places.length * share)));
  return held.sort((a, b) => a - b);
}
