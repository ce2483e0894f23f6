import { expect, it } from 'vitest';
import { mixBatch } from './mixing.ts';
import { random } from './random.ts';

const side = 8;
const batch = 4;

/** Picture i is all i, and its target is one-hot i. */
function pictures() {
  const images = Float32Array.from({ length: batch * 3 * side * side }, (_, k) =>
    Math.floor(k / (3 * side * side)),
  );
  const targets = Float32Array.from({ length: batch * batch }, (_, k) => (k % (batch + 1) === 0 ? 1 : 0));
  return { images, targets };
}

it('mixes pictures and targets in the same share, by sum or by rectangle', () => {
  const next = random(1);
  const kinds = new Set<string>();
  for (let round = 0; round < 50; round++) {
    const { images, targets } = pictures();
    mixBatch(images, targets, batch, side, next);
    for (let i = 0; i < batch; i++) {
      const other = batch - 1 - i;
      const row = targets.subarray(i * batch, (i + 1) * batch);
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      const picture = images.subarray(i * 3 * side * side, (i + 1) * 3 * side * side);
      const mean = picture.reduce((a, b) => a + b) / picture.length;
      expect(mean).toBeCloseTo(row[i]! * i + row[other]! * other, 4);
      if (new Set(picture).size === 2) kinds.add('rectangle');
      else if (picture[0] !== i && picture[0] !== other) kinds.add('sum');
    }
  }
  expect([...kinds].sort()).toEqual(['rectangle', 'sum']);
});
