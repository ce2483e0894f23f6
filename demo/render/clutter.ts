import type { Solid } from './parts.ts';
import type { Random } from './random.ts';
import type { Material } from './scene.ts';
import { length2, length3 } from './vector.ts';

/** Something else that lies on the bench: a pencil, a coin, a bearing ball, a rubber, a pin, a curl of swarf. */
export function makeClutter(random: Random): { solid: Solid; material: Material } {
  return random.pick([pencil, coin, ball, rubber, pin, swarf, swarf])(random);
}

const lying = (height: number) => [{ tilt: 0, height }];

/** A capsule along x. */
function rod(halfLength: number, thickness: number): Solid {
  return {
    distance: (x, y, z) => length3(Math.max(Math.abs(x) - halfLength, 0), y, z) - thickness,
    radius: halfLength + thickness,
    rests: lying(thickness),
  };
}

function pencil(random: Random) {
  const colour = random.pick([
    [0.75, 0.5, 0.05],
    [0.5, 0.05, 0.05],
    [0.03, 0.08, 0.3],
    [0.02, 0.02, 0.02],
  ] as const);
  return { solid: rod(random.range(2.5, 4), random.range(0.14, 0.22)), material: plastic(colour) };
}

function coin(random: Random) {
  const radius = random.range(0.6, 1);
  const colour = random.pick([
    [0.75, 0.42, 0.28],
    [0.75, 0.62, 0.35],
  ] as const);
  const solid: Solid = {
    distance: (x, y, z) => Math.max(length2(x, y) - radius, Math.abs(z) - 0.07),
    radius: Math.hypot(radius, 0.07),
    rests: lying(0.07),
  };
  return { solid, material: { colour, metal: 0.9, roughness: 0.5, rust: 0.2 } satisfies Material };
}

function ball(random: Random) {
  const radius = random.range(0.2, 0.5);
  const solid: Solid = { distance: (x, y, z) => length3(x, y, z) - radius, radius, rests: lying(radius) };
  return {
    solid,
    material: { colour: [0.8, 0.8, 0.82], metal: 1, roughness: 0.1, rust: 0 } satisfies Material,
  };
}

function rubber(random: Random) {
  const [a, b, c] = [random.range(0.5, 1.2), random.range(0.3, 0.7), random.range(0.15, 0.4)];
  const colour = random.pick([
    [0.8, 0.8, 0.78],
    [0.6, 0.25, 0.25],
    [0.1, 0.25, 0.5],
    [0.45, 0.3, 0.15],
  ] as const);
  const solid: Solid = {
    distance: (x, y, z) =>
      length3(
        Math.max(Math.abs(x) - a, 0),
        Math.max(Math.abs(y) - b, 0),
        Math.max(Math.abs(z) - c + 0.05, 0),
      ) - 0.05,
    radius: Math.hypot(a + 0.05, b + 0.05, c),
    rests: lying(c),
  };
  return { solid, material: plastic(colour) };
}

function pin(random: Random) {
  const solid = rod(random.range(0.4, 1.4), random.range(0.04, 0.12));
  return {
    solid,
    material: { colour: [0.6, 0.6, 0.6], metal: 1, roughness: 0.3, rust: 0.2 } satisfies Material,
  };
}

/** A curl of metal: part of a thin ring. */
function swarf(random: Random) {
  const radius = random.range(0.15, 0.5);
  const thickness = random.range(0.02, 0.05);
  const solid: Solid = {
    distance: (x, y, z) =>
      Math.max(length2(length2(x, y) - radius, z - x * 0.2) * 0.9 - thickness, y - radius * 0.3),
    radius: radius * 1.1 + thickness,
    rests: lying(thickness + radius * 0.2),
  };
  return {
    solid,
    material: { colour: [0.7, 0.7, 0.72], metal: 1, roughness: 0.3, rust: 0 } satisfies Material,
  };
}

function plastic(colour: readonly [number, number, number]): Material {
  return { colour, metal: 0.04, roughness: 0.4, rust: 0 };
}
