import type { Random } from './random.ts';
import { length2, length3 } from './vector.ts';

/** A solid body as a signed distance function. Unit: the nominal diameter of the thread. */
export interface Solid {
  /** Distance from a point to the surface or a little less; negative inside. */
  distance(x: number, y: number, z: number): number;
  /** Radius of a sphere round the origin that holds the body. */
  radius: number;
  /** Ways to lie on a table: rotation about x (radians) and the height of the origin then. */
  rests: { tilt: number; height: number }[];
}

export const KINDS = ['bolt', 'nut', 'washer'] as const;
export type Kind = (typeof KINDS)[number];

export const makePart: Record<Kind, (random: Random) => Solid> = { bolt, nut, washer };

/** A hexagon of the given apothem. Smaller than the true distance outside the corners, which is safe. */
function hexagon(x: number, y: number, apothem: number): number {
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  return Math.max(ax * 0.8660254 + ay * 0.5, ay) - apothem;
}

/** Depth of a screw thread (a triangle wave along the helix) at a point of the cylinder. */
function thread(x: number, y: number, z: number, pitch: number): number {
  const turn = z / pitch + Math.atan2(y, x) / (2 * Math.PI);
  return Math.abs(turn - Math.floor(turn) - 0.5) * pitch;
}

/** A hexagonal block from z = −half to half whose corners are turned off as on real nuts and bolts. */
function hexBlock(x: number, y: number, z: number, apothem: number, half: number, both: boolean): number {
  const side = both ? Math.abs(z) : z;
  const chamfer = (side - half) * 0.8660254 + (length2(x, y) - apothem * 0.97) * 0.5;
  return Math.max(hexagon(x, y, apothem), Math.abs(z) - half, chamfer);
}

function nut(random: Random): Solid {
  const apothem = random.range(0.76, 0.92);
  const half = random.range(0.34, 0.5);
  const hole = random.range(0.42, 0.5);
  const pitch = random.range(0.13, 0.2);
  const flange = random.chance(0.1) ? apothem * random.range(1.25, 1.4) : 0;
  const distance = (x: number, y: number, z: number): number => {
    const r = length2(x, y);
    let body = hexBlock(x, y, z, apothem, half, true);
    if (flange) body = Math.min(body, Math.max(r - flange, Math.abs(z + half - 0.06) - 0.06));
    // The countersink at both ends of the hole.
    let bore = Math.max(hole - r, (hole + 0.08 - r) * 0.7 + (Math.abs(z) - half) * 0.7);
    if (bore > -0.15 && bore < 0.15) bore += thread(x, y, z, pitch) * 0.6;
    return Math.max(body, bore);
  };
  const flat = { tilt: 0, height: half };
  const standing = { tilt: Math.PI / 2, height: Math.max(apothem, flange) };
  return {
    distance,
    radius: Math.hypot(Math.max(apothem * 1.1547, flange), half),
    rests: [flat, flat, flat, flat, flat, flat, flat, flat, standing],
  };
}

function washer(random: Random): Solid {
  const hole = random.range(0.5, 0.65);
  const outer = hole * random.range(1.7, 2.3);
  const half = random.range(0.05, 0.1);
  const rounding = half * random.range(0.2, 0.8);
  const split = random.chance(0.15);
  const distance = (x: number, y: number, z: number): number => {
    const across = Math.abs(length2(x, y) - (hole + outer) / 2) - (outer - hole) / 2 + rounding;
    const along = Math.abs(z) - half + rounding;
    const ring =
      length2(Math.max(across, 0), Math.max(along, 0)) + Math.min(Math.max(across, along), 0) - rounding;
    // A spring washer is cut through, at a slant.
    return split && x > 0 ? Math.max(ring, 0.06 - Math.abs(y + z * 0.5)) : ring;
  };
  const flat = { tilt: 0, height: half };
  // One edge resting on a crumb of something.
  const lean = random.range(0.05, 0.35);
  return {
    distance,
    radius: Math.hypot(outer, half),
    rests: [flat, flat, flat, { tilt: lean, height: outer * Math.sin(lean) + half }],
  };
}

function bolt(random: Random): Solid {
  const length = random.range(1.8, 4);
  const plain = random.chance(0.4) ? length * random.range(0.2, 0.5) : 0.1;
  const head = random.pick(['hex', 'hex', 'hex', 'socket', 'dome'] as const);
  const headHalf = head === 'socket' ? random.range(0.4, 0.5) : random.range(0.28, 0.36);
  const headRadius = head === 'socket' ? random.range(0.72, 0.8) : random.range(0.78, 0.9);
  const pitch = random.range(0.14, 0.22);
  // The origin lies in the middle of the whole bolt; the head is at the top.
  const neck = length / 2 - headHalf;
  const heads = {
    hex: (x: number, y: number, z: number) => hexBlock(x, y, z, headRadius, headHalf, false),
    socket: (x: number, y: number, z: number) => {
      const body = Math.max(length2(x, y) - headRadius, Math.abs(z) - headHalf);
      return Math.max(body, -Math.max(hexagon(x, y, 0.42), headHalf * 0.1 - z));
    },
    dome: (x: number, y: number, z: number) => {
      const ball = headRadius * 1.25;
      return Math.max(length3(x, y, z - headHalf + ball) - ball, -headHalf - z);
    },
  };
  const distance = (x: number, y: number, z: number): number => {
    const r = length2(x, y);
    let shaft = r - 0.5;
    if (shaft < 0.15 && shaft > -0.2 && z < neck - plain) shaft += thread(x, y, z, pitch) * 0.75;
    const tip = Math.max(-neck - 2 * headHalf - z, (r - 0.42 - (z + neck + 2 * headHalf)) * 0.7);
    const rod = Math.max(shaft, z - neck, tip);
    return Math.min(rod, heads[head](x, y, z - neck - headHalf));
  };
  // Lying: the head is thicker than the shaft, so the head end is higher.
  const lean = Math.asin((headRadius - 0.5) / length);
  const lying = { tilt: Math.PI / 2 - lean, height: (headRadius + 0.5) / 2 };
  return {
    distance,
    radius: Math.hypot(length / 2 + headHalf, headRadius * 1.1547),
    rests: [
      lying,
      lying,
      lying,
      lying,
      lying,
      lying,
      lying,
      lying,
      lying,
      { tilt: Math.PI, height: neck + 2 * headHalf },
    ],
  };
}
