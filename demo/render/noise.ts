import { seededRandom } from './random.ts';

const SIZE = 256;
const random = seededRandom('lattice');
/** Random values on a lattice that repeats every 256 cells. */
const lattice = Float32Array.from({ length: SIZE * SIZE }, () => random.range(-1, 1));

/** Smooth noise between −1 and 1 with features of about one unit. */
export function noise(x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const u = smooth(x - column);
  const v = smooth(y - row);
  const left = column & (SIZE - 1);
  const right = (column + 1) & (SIZE - 1);
  const top = (row & (SIZE - 1)) * SIZE;
  const bottom = ((row + 1) & (SIZE - 1)) * SIZE;
  const a = lattice[top + left]! + (lattice[top + right]! - lattice[top + left]!) * u;
  const b = lattice[bottom + left]! + (lattice[bottom + right]! - lattice[bottom + left]!) * u;
  return a + (b - a) * v;
}

/** Sum of `octaves` of noise, each twice as fine and half as strong. */
export function fractal(x: number, y: number, octaves: number): number {
  let sum = 0;
  let strength = 0.5;
  for (let octave = 0; octave < octaves; octave++) {
    sum += strength * noise(x, y);
    // The offset keeps the octaves' lattices from lining up.
    x = x * 2 + 17.3;
    y = y * 2 + 41.7;
    strength /= 2;
  }
  return sum;
}

const smooth = (t: number) => t * t * (3 - 2 * t);

export const clamp = (value: number, low = 0, high = 1) => Math.min(high, Math.max(low, value));

/** 0 below `from`, 1 above `to`, smooth between. */
export function step(from: number, to: number, value: number): number {
  return smooth(clamp((value - from) / (to - from)));
}
