import { makeClutter } from './clutter.ts';
import { type Kind, makePart, type Solid } from './parts.ts';
import type { Random } from './random.ts';
import { makeSurface, type Surface } from './surfaces.ts';
import type { Vector } from './vector.ts';

/** Linear RGB, 0–1. */
export type Colour = readonly [number, number, number];

export interface Material {
  colour: Colour;
  /** Share of light that is mirrored in the colour of the material; the rest is diffuse. */
  metal: number;
  roughness: number;
  /** How much of it is rusty, 0–1. */
  rust: number;
}

/** A solid at its place: rows of `axes` are the solid's own x, y, z in the world. */
export interface Thing {
  solid: Solid;
  material: Material;
  place: Vector;
  axes: readonly [Vector, Vector, Vector];
}

export interface Scene {
  things: Thing[];
  surface: Surface;
  camera: { place: Vector; target: Vector; roll: number; zoom: number };
  light: { towards: Vector; colour: Colour; softness: number };
  /** Colour of the room's own light. */
  ambient: Colour;
}

/** A bench with one to three parts of one kind, some clutter, a lamp and a camera. */
export function makeScene(kind: Kind, random: Random): Scene {
  const solid = makePart[kind](random);
  const material = makeMetal(random);
  const things = [placed(solid, material, 0, 0, random)];
  const count = random.pick([1, 1, 1, 1, 1, 2]);
  for (let i = 1; i < count; i++) {
    addBeside(
      things,
      placedFree(makePart[kind](random), random.chance(0.7) ? material : makeMetal(random), random),
    );
  }
  const clutter = random.pick([0, 0, 0, 1, 1, 2]);
  for (let i = 0; i < clutter; i++) {
    const { solid: other, material: of } = makeClutter(random);
    addBeside(things, placedFree(other, of, random));
  }
  return { things, surface: makeSurface(random), camera: makeCamera(solid, random), ...makeLight(random) };
}

function makeMetal(random: Random): Material {
  const colour = random.pick<Colour>([
    [0.62, 0.62, 0.64],
    [0.72, 0.72, 0.73],
    [0.5, 0.5, 0.52],
    [0.7, 0.64, 0.5],
    [0.78, 0.58, 0.25],
    [0.1, 0.1, 0.11],
  ]);
  return {
    colour,
    metal: random.range(0.75, 1),
    roughness: random.range(0.05, 0.7),
    rust: random.chance(0.2) ? random.range(0.2, 0.9) : 0,
  };
}

function placed(solid: Solid, material: Material, x: number, y: number, random: Random): Thing {
  const { tilt, height } = random.pick(solid.rests);
  const turn = random.range(0, 2 * Math.PI);
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const [ct, st] = [Math.cos(tilt), Math.sin(tilt)];
  // Tilted about its own x, then turned about the vertical.
  const axes = [
    [c, s, 0],
    [-s * ct, c * ct, st],
    [s * st, -c * st, ct],
  ] as const;
  return { solid, material, place: [x, y, height], axes };
}

function placedFree(solid: Solid, material: Material, random: Random): Thing {
  const angle = random.range(0, 2 * Math.PI);
  const far = solid.radius + random.range(1, 3);
  return placed(solid, material, far * Math.cos(angle), far * Math.sin(angle), random);
}

/** Adds a thing unless it would run into another one. */
function addBeside(things: Thing[], thing: Thing): void {
  const clear = things.every((other) => {
    const apart = Math.hypot(other.place[0] - thing.place[0], other.place[1] - thing.place[1]);
    return apart > (other.solid.radius + thing.solid.radius) * 0.9;
  });
  if (clear) things.push(thing);
}

function makeCamera(solid: Solid, random: Random): Scene['camera'] {
  const elevation = random.range(0.9, 1.5);
  const azimuth = random.range(0, 2 * Math.PI);
  const distance = random.range(7, 14);
  const target: Vector = [
    random.range(-0.12, 0.12) * solid.radius,
    random.range(-0.12, 0.12) * solid.radius,
    0.2,
  ];
  return {
    place: [
      target[0] + distance * Math.cos(elevation) * Math.cos(azimuth),
      target[1] + distance * Math.cos(elevation) * Math.sin(azimuth),
      target[2] + distance * Math.sin(elevation),
    ],
    target,
    roll: random.range(-0.3, 0.3),
    // Half the short side of the picture spans 1 / zoom at unit distance.
    zoom: distance / (solid.radius * random.range(0.9, 1.2)),
  };
}

function makeLight(random: Random): Pick<Scene, 'light' | 'ambient'> {
  const elevation = random.range(0.45, 1.35);
  const azimuth = random.range(0, 2 * Math.PI);
  const warmth = random.range(-1, 1);
  const strength = random.range(0.9, 2);
  const room = random.range(0.25, 0.6);
  return {
    light: {
      towards: [
        Math.cos(elevation) * Math.cos(azimuth),
        Math.cos(elevation) * Math.sin(azimuth),
        Math.sin(elevation),
      ],
      colour: [strength * (1 + 0.15 * warmth), strength, strength * (1 - 0.22 * warmth)],
      softness: random.range(0.05, 0.4),
    },
    ambient: [room * (1 - 0.08 * warmth), room, room * (1 + 0.1 * warmth)],
  };
}
