import { clamp, fractal, noise, step } from './noise.ts';
import type { Solid } from './parts.ts';
import type { Colour, Scene, Thing } from './scene.ts';
import { along, cross, dot, length2, length3, normalised, type Vector } from './vector.ts';

const MAXIMUM_STEPS = 48;
const CLOSE = 0.006;
const BLACK: Colour = [0, 0, 0];

/** World direction in the thing's own axes. */
const inward = ({ axes }: Thing, v: Vector): Vector => [dot(axes[0], v), dot(axes[1], v), dot(axes[2], v)];
const outward = ({ axes }: Thing, v: Vector): Vector => [
  axes[0][0] * v[0] + axes[1][0] * v[1] + axes[2][0] * v[2],
  axes[0][1] * v[0] + axes[1][1] * v[1] + axes[2][1] * v[2],
  axes[0][2] * v[0] + axes[1][2] * v[1] + axes[2][2] * v[2],
];
const toOwn = (thing: Thing, point: Vector): Vector =>
  inward(thing, [point[0] - thing.place[0], point[1] - thing.place[1], point[2] - thing.place[2]]);

/**
 * Light that reaches the camera for each pixel, linear RGB, `[height][width][3]`: sphere tracing against the
 * distance functions, one ray per pixel, one lamp with soft shadows, a painted room in the reflections.
 */
export function trace(scene: Scene, width: number, height: number): Float32Array {
  const pixels = new Float32Array(width * height * 3);
  const { place, target, roll, zoom } = scene.camera;
  const forward = normalised([target[0] - place[0], target[1] - place[1], target[2] - place[2]]);
  const level = normalised(cross(forward, [0, 0, 1]));
  const upright = cross(level, forward);
  const [c, s] = [Math.cos(roll), Math.sin(roll)];
  const right = along([level[0] * c, level[1] * c, level[2] * c], upright, s);
  const up = cross(right, forward);
  const scale = 2 / Math.min(width, height) / zoom;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const u = (column + 0.5 - width / 2) * scale;
      const v = (height / 2 - row - 0.5) * scale;
      const ray = normalised(along(along(forward, right, u), up, v));
      const colour = look(scene, place, ray);
      const pixel = (row * width + column) * 3;
      pixels[pixel] = colour[0];
      pixels[pixel + 1] = colour[1];
      pixels[pixel + 2] = colour[2];
    }
  }
  return pixels;
}

function look(scene: Scene, from: Vector, ray: Vector): Colour {
  let nearest = ray[2] < 0 ? -from[2] / ray[2] : 1e3;
  let hit: Thing | undefined;
  for (const thing of scene.things) {
    const t = march(thing, from, ray, nearest);
    if (t < nearest) {
      nearest = t;
      hit = thing;
    }
  }
  const point = along(from, ray, nearest);
  return hit ? shadeThing(scene, hit, point, ray) : shadeTable(scene, point);
}

/** Where a ray enters and leaves a ball round the thing, or undefined. Most rays miss most things: this is the quick way to know. */
function passes(
  thing: Thing,
  from: Vector,
  ray: Vector,
  radius: number,
): [enter: number, leave: number] | undefined {
  const x = thing.place[0] - from[0];
  const y = thing.place[1] - from[1];
  const z = thing.place[2] - from[2];
  const middle = x * ray[0] + y * ray[1] + z * ray[2];
  const offside = x * x + y * y + z * z - middle * middle;
  if (offside > radius * radius) return undefined;
  const chord = Math.sqrt(radius * radius - offside);
  return [middle - chord, middle + chord];
}

/** Distance along the ray to the thing, or Infinity. */
function march(thing: Thing, from: Vector, ray: Vector, limit: number): number {
  const span = passes(thing, from, ray, thing.solid.radius);
  if (!span) return Infinity;
  const start = toOwn(thing, from);
  const direction = inward(thing, ray);
  const end = Math.min(span[1], limit);
  let t = Math.max(span[0], 0);
  for (let i = 0; i < MAXIMUM_STEPS && t < end; i++) {
    const d = distanceAlong(thing, start, direction, t);
    if (d < CLOSE) return t;
    t += d * 0.9;
  }
  return Infinity;
}

/** Share of the lamp's light that reaches a point: 0 in full shadow, in between where the shadow is soft. */
function lit(scene: Scene, point: Vector): number {
  const { towards, softness } = scene.light;
  let share = 1;
  for (const thing of scene.things) {
    const span = passes(thing, point, towards, thing.solid.radius * (1 + softness));
    if (!span || span[1] < 0) continue;
    const start = toOwn(thing, point);
    const direction = inward(thing, towards);
    let t = Math.max(span[0], 0.04);
    for (let i = 0; i < 20 && t < span[1] && share > 0.01; i++) {
      const d = distanceAlong(thing, start, direction, t);
      share = Math.min(share, clamp(0.5 + d / (softness * t)));
      t += Math.max(Math.abs(d), 0.04);
    }
  }
  return share * share * (3 - 2 * share);
}

function distanceAlong(thing: Thing, start: Vector, direction: Vector, t: number): number {
  return thing.solid.distance(
    start[0] + direction[0] * t,
    start[1] + direction[1] * t,
    start[2] + direction[2] * t,
  );
}

function shadeTable(scene: Scene, point: Vector): Colour {
  const base = scene.surface(point[0], point[1]);
  const lamp = Math.max(scene.light.towards[2], 0) * lit(scene, point);
  let open = 1;
  for (const thing of scene.things) {
    // Close to a thing it hides part of the room.
    const far = length2(point[0] - thing.place[0], point[1] - thing.place[1]) - thing.solid.radius;
    if (far > 0.7) continue;
    const own = toOwn(thing, point);
    open *= 0.35 + 0.65 * step(-0.1, 0.7, thing.solid.distance(own[0], own[1], own[2]));
  }
  return light(scene, base, lamp, open);
}

function shadeThing(scene: Scene, thing: Thing, point: Vector, ray: Vector): Colour {
  const own = toOwn(thing, point);
  const { distance } = thing.solid;
  const { colour, metal, roughness, rust } = thing.material;
  const normal = outward(thing, roughened(slope(distance, own), own, roughness));
  const rusty =
    rust && step(0.32 - rust * 0.45, 0.55 - rust * 0.3, fractal(own[0] * 3 + own[2], own[1] * 3 - own[2], 5));
  const skin: Colour = [
    colour[0] + (0.2 - colour[0]) * rusty,
    colour[1] + (0.085 - colour[1]) * rusty,
    colour[2] + (0.04 - colour[2]) * rusty,
  ];
  const free = along(own, inward(thing, normal), 0.25);
  const open = clamp(0.2 + (distance(free[0], free[1], free[2]) / 0.25) * 0.8) * clamp(0.55 + point[2] * 0.6);
  const facing = dot(normal, ray);
  const shadow = lit(scene, along(point, normal, 0.03));
  const lamp = Math.max(dot(normal, scene.light.towards), 0) * shadow;
  const diffuse = light(scene, skin, lamp, open * (0.6 + 0.4 * normal[2]));
  const seen = room(scene, point, along(ray, normal, -2 * facing), clamp(roughness + rusty), shadow);
  const gloss = metal * (1 - 0.9 * rusty);
  const edge = (1 - clamp(-facing)) ** 5 * 0.5 * (1 - rusty);
  const at = (i: 0 | 1 | 2) => {
    const mirrored = skin[i] * gloss + (1 - skin[i] * gloss) * edge;
    return diffuse[i] * (1 - gloss * 0.85) + seen[i] * mirrored * open;
  };
  return [at(0), at(1), at(2)];
}

/** Direction in which the distance grows fastest: the normal, in the thing's own axes. */
function slope(distance: Solid['distance'], [x, y, z]: Vector): Vector {
  const gap = 0.012;
  return normalised([
    distance(x + gap, y, z) - distance(x - gap, y, z),
    distance(x, y + gap, z) - distance(x, y - gap, z),
    distance(x, y, z + gap) - distance(x, y, z - gap),
  ]);
}

/** The normal with the marks of the lathe (rings round z) and the unevenness of a real skin. */
function roughened(normal: Vector, [x, y, z]: Vector, roughness: number): Vector {
  const r = length3(x, y, 0) + 1e-6;
  const lathe = noise(r * 26, z * 26) * (0.04 + 0.16 * roughness);
  const wave = 0.22;
  return normalised([
    normal[0] + (lathe * x) / r + wave * noise(x * 1.3 + z + 7, y * 1.3),
    normal[1] + (lathe * y) / r + wave * noise(x * 1.3, y * 1.3 + z + 31),
    normal[2] + wave * noise(x * 2 + 3, y * 2 - z),
  ]);
}

/** What a mirror would show: a dim wall, ceiling panels, the lamp, the table. */
function room(scene: Scene, point: Vector, direction: Vector, roughness: number, shadow: number): Colour {
  const { towards, colour } = scene.light;
  const blur = 0.03 + 0.35 * roughness;
  const lamp = (3.5 / (1 + 5 * roughness)) * step(0.93 - blur * 1.6, 0.97, dot(direction, towards)) * shadow;
  const sideways = direction[0] * towards[1] - direction[1] * towards[0];
  const lengthways = direction[0] * towards[0] + direction[1] * towards[1];
  const panels =
    step(-0.1 - blur * 2, 0.2 + blur * 2, Math.sin(sideways * 8 + 1)) *
    step(-0.6 - blur * 2, -0.2 + blur, Math.sin(lengthways * 5));
  const ceiling = step(0.1 - blur, 0.55 + blur, direction[2]);
  const sky = 0.15 + 0.15 * step(-0.2, 0.3, direction[2]) + ceiling * (0.35 + 1.5 * panels);
  const down = step(0.05 + blur * 0.5, -0.05 - blur * 0.5, direction[2]);
  const far = down > 0 ? Math.min(point[2] / Math.max(-direction[2], 0.15), 4) : 0;
  const table =
    down > 0 ? scene.surface(point[0] + direction[0] * far, point[1] + direction[1] * far) : BLACK;
  const at = (i: 0 | 1 | 2) =>
    (scene.ambient[i] * sky + colour[i] * lamp) * (1 - down) +
    table[i] * (scene.ambient[i] + colour[i] * towards[2] * 0.5) * down;
  return [at(0), at(1), at(2)];
}

function light(scene: Scene, base: Colour, lamp: number, open: number): Colour {
  const at = (i: 0 | 1 | 2) => base[i] * (scene.light.colour[i] * lamp + scene.ambient[i] * open);
  return [at(0), at(1), at(2)];
}
