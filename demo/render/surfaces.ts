import { clamp, fractal, noise, step } from './noise.ts';
import type { Random } from './random.ts';
import type { Colour } from './scene.ts';
import { length2 } from './vector.ts';

/** What lies under the parts: the colour (linear RGB, 0–1) of a point of the table. */
export type Surface = (x: number, y: number) => Colour;

/** A table top of a random kind, turned and shifted at random, with stains and scratches. */
export function makeSurface(random: Random): Surface {
  const base = random.pick([wood, wood, concrete, mat, cloth, paper, cardboard, paintedSteel, dottedRubber])(
    random,
  );
  const worn = wear(base, random);
  const angle = random.range(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [dx, dy] = [random.range(-100, 100), random.range(-100, 100)];
  return (x, y) => worn(x * cos - y * sin + dx, x * sin + y * cos + dy);
}

const shade = (colour: Colour, factor: number): Colour => [
  colour[0] * factor,
  colour[1] * factor,
  colour[2] * factor,
];

/** Distance to the nearest line of a grid of the given spacing. */
const toGrid = (value: number, spacing: number) => Math.abs(value - spacing * Math.round(value / spacing));

function wood(random: Random): Surface {
  const colour = random.pick<Colour>([
    [0.5, 0.3, 0.14],
    [0.3, 0.15, 0.07],
    [0.62, 0.45, 0.26],
    [0.2, 0.14, 0.1],
  ]);
  const contrast = random.range(0.15, 0.4);
  const plank = random.range(2, 6);
  return (x, y) => {
    const board = Math.floor(y / plank);
    const warp = noise(x * 0.15 + board * 31, y * 0.8) * 2;
    const ring = Math.sin((y * 2.5 + warp * 2 + board * 7) * 3);
    const fibre = noise(x * 1.5, y * 28 + board * 9);
    const gap = step(0.01, 0.05, toGrid(y, plank));
    return shade(colour, (1 + contrast * (0.35 * ring + 0.4 * fibre)) * (0.25 + 0.75 * gap));
  };
}

function concrete(random: Random): Surface {
  const level = random.range(0.15, 0.45);
  const warm = random.range(0.92, 1.05);
  return (x, y) => {
    const grain = fractal(x * 1.2, y * 1.2, 5) * 0.5 + noise(x * 24, y * 24) * 0.12;
    const pore = step(0.62, 0.8, noise(x * 4.5 + 50, y * 4.5));
    const value = level * (1 + grain) * (1 - 0.55 * pore);
    return [value, value * 0.98, (value * 0.95) / warm];
  };
}

function mat(random: Random): Surface {
  const colour = random.pick<Colour>([
    [0.02, 0.14, 0.08],
    [0.02, 0.08, 0.2],
    [0.06, 0.06, 0.07],
  ]);
  const line = random.range(0.15, 0.4);
  const spacing = random.range(0.9, 2);
  return (x, y) => {
    const near = Math.min(toGrid(x, spacing), toGrid(y, spacing));
    const ink = line * (1 - step(0.015, 0.04, near));
    const value = 1 + 0.15 * noise(x * 20, y * 20);
    return [
      colour[0] * value + (0.7 - colour[0]) * ink,
      colour[1] * value + (0.7 - colour[1]) * ink,
      colour[2] * value + (0.5 - colour[2]) * ink,
    ];
  };
}

function cloth(random: Random): Surface {
  const colour = random.pick<Colour>([
    [0.35, 0.36, 0.4],
    [0.1, 0.16, 0.32],
    [0.4, 0.12, 0.1],
    [0.5, 0.46, 0.36],
    [0.05, 0.05, 0.06],
  ]);
  const threads = random.range(14, 26);
  return (x, y) => {
    const fold = noise(x * 0.35, y * 0.35) * 0.35;
    const weave = Math.sin(x * threads + fold * 4) * Math.sin(y * threads);
    return shade(colour, 1 + 0.3 * weave + fold + 0.15 * noise(x * 9, y * 9));
  };
}

function paper(random: Random): Surface {
  const level = random.range(0.6, 0.85);
  const ruled = random.pick(['plain', 'squares', 'lines'] as const);
  const spacing = random.range(0.7, 1.3);
  return (x, y) => {
    const value = level * (1 + 0.05 * noise(x * 0.5, y * 0.5) + 0.03 * noise(x * 15, y * 15));
    const near =
      ruled === 'plain'
        ? 1
        : ruled === 'lines'
          ? toGrid(y, spacing)
          : Math.min(toGrid(x, spacing), toGrid(y, spacing));
    const ink = 0.45 * (1 - step(0.01, 0.035, near));
    return [value * (1 - ink), value * (1 - 0.7 * ink), value * 0.96 * (1 - 0.3 * ink)];
  };
}

function cardboard(random: Random): Surface {
  const colour: Colour = [random.range(0.38, 0.5), random.range(0.26, 0.32), random.range(0.14, 0.19)];
  return (x, y) =>
    shade(colour, 1 + 0.05 * Math.sin(y * 9) + 0.12 * noise(x * 3, y * 14) + 0.08 * noise(x * 0.7, y));
}

function paintedSteel(random: Random): Surface {
  const paint = random.pick<Colour>([
    [0.15, 0.25, 0.35],
    [0.1, 0.25, 0.18],
    [0.4, 0.41, 0.42],
    [0.5, 0.3, 0.03],
  ]);
  const worn = random.range(0.35, 0.6);
  return (x, y) => {
    const bare = step(worn, worn + 0.06, fractal(x * 0.7, y * 0.7, 5) + 0.15);
    const rust = step(0.1, 0.35, fractal(x * 2 + 9, y * 2, 4)) * bare;
    const value = 1 + 0.1 * noise(x * 12, y * 12);
    const mix = (p: number, b: number, r: number) =>
      (p * (1 - bare) + b * bare) * (1 - rust) * value + r * rust * value;
    return [mix(paint[0], 0.3, 0.3), mix(paint[1], 0.3, 0.13), mix(paint[2], 0.3, 0.05)];
  };
}

/** A rubber floor with raised studs, dark. */
function dottedRubber(random: Random): Surface {
  const level = random.range(0.03, 0.12);
  const spacing = random.range(0.7, 1.4);
  return (x, y) => {
    const r = length2(toGrid(x, spacing), toGrid(y, spacing)) / spacing;
    const rim = 0.3 * (step(0.24, 0.28, r) - step(0.28, 0.34, r));
    const value = level * (1 + rim + 0.3 * noise(x * 10, y * 10) + 0.3 * noise(x, y));
    return [value, value, value * 1.04];
  };
}

/** Oil stains, coffee rings and scratches on any surface. */
function wear(base: Surface, random: Random): Surface {
  const stain = random.chance(0.35) ? random.range(0.3, 0.6) : 0;
  const scratched = random.chance(0.4) ? random.range(0.15, 0.5) : 0;
  const bright = random.chance(0.5) ? 1 : -1;
  return (x, y) => {
    const colour = base(x, y);
    let factor = 1;
    if (stain) factor -= stain * step(0.12, 0.22, fractal(x * 0.45 + 70, y * 0.45, 4));
    if (scratched) {
      const mark = 1 - step(0.0, 0.035, Math.abs(noise(x * 0.3 + y * 0.5 + 20, y * 0.4 - x * 0.2)));
      factor += bright * scratched * mark * clamp(noise(x, y) * 2);
    }
    return factor === 1 ? colour : shade(colour, Math.max(factor, 0.1));
  };
}
