import { permutation, random } from './random.ts';

/** One of so many pictures of a label is held out. */
const SHARE = 5;
/** Of many pictures about this many are enough to tell two models apart. */
const ENOUGH = 2000;

/**
 * Places of pictures to hold out, in order: about the same share of each label (of a picture's first, where it has several), and
 * none of a label with fewer than five.
 */
export function holdOut(labels: readonly (readonly number[])[], seed: number): number[] {
  const share = Math.min(1 / SHARE, ENOUGH / labels.length);
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
