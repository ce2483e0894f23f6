export type Vector = readonly [number, number, number];

// Math.hypot guards against overflow, which costs several times the square root; nothing here is that large.
export const length2 = (x: number, y: number) => Math.sqrt(x * x + y * y);
export const length3 = (x: number, y: number, z: number) => Math.sqrt(x * x + y * y + z * z);

export const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The point `t` along a direction from a start. */
export const along = (from: Vector, direction: Vector, t: number): Vector => [
  from[0] + direction[0] * t,
  from[1] + direction[1] * t,
  from[2] + direction[2] * t,
];

export function normalised(v: Vector): Vector {
  const length = length3(v[0], v[1], v[2]);
  return [v[0] / length, v[1] / length, v[2] / length];
}

export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
