import { permutation } from './random.ts';

/** Measured, see docs/decisions.md. */
export const BALANCING = 0.5;

/**
 * How much each picture counts, at least 1: a label's share of the whole is proportional to its number of pictures to the
 * power 1 − `balancing` (Mahajan et al. 2018 have 1/2); 0 counts all pictures alike, 1 all labels. A picture counts for the
 * rarest of its labels.
 */
export function balance(labels: readonly (readonly number[])[], balancing: number): number[] {
  if (balancing === 0) return labels.map(() => 1);
  const counts = new Map<number, number>();
  for (const own of labels) for (const label of own) counts.set(label, (counts.get(label) ?? 0) + 1);
  const rarest = (own: readonly number[]) =>
    own.reduce((least, label) => Math.min(least, counts.get(label)!), Infinity);
  const most = Math.max(1, ...counts.values());
  return labels.map((own) => (own.length === 0 ? 1 : (most / rarest(own)) ** balancing));
}

/**
 * Draws pictures in random order, all of them before any comes again, and those that count more ({@link balance}) more
 * often in each round.
 */
export function drawing(
  pictures: readonly number[],
  labels: readonly (readonly number[])[],
  balancing: number,
  next: () => number,
): () => number {
  const counts = balance(
    pictures.map((i) => labels[i]!),
    balancing,
  );
  let order: number[] = [];
  return () => {
    if (order.length === 0) {
      // A picture that counts 1.3 comes once, and twice in three rounds of ten.
      const due = pictures.flatMap((picture, i) =>
        Array.from({ length: Math.floor(counts[i]! + next()) }, () => picture),
      );
      order = Array.from(permutation(due.length, next), (place) => due[place]!);
    }
    return order.pop()!;
  };
}
