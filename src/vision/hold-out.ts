import { permutation, random } from './random.ts';

/** To tell two models apart: so many pictures, but between so large shares of all, and not too many. */
const ENOUGH = { pictures: 100, least: 0.1, most: 0.2, maximum: 2000 };

function usualShare(count: number): number {
  const { pictures, least, most, maximum } = ENOUGH;
  return Math.min(most, Math.max(least, pictures / count), maximum / count);
}

/**
 * Places of pictures to hold out, in order: about that share of each label (of a picture's first, where it has several), and
 * none of a label with too few for it (of a fifth: fewer than five).
 */
export function holdOut(
  labels: readonly (readonly number[])[],
  seed: number,
  share = usualShare(labels.length),
): number[] {
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
