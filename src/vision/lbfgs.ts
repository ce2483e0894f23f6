/** A function to minimise: its value at a point, with the gradient written into `gradient`. */
export type Objective = (point: Float64Array, gradient: Float64Array) => Promise<number>;

/** Pairs of steps and gradient changes that the curvature is estimated from. */
const MEMORY = 10;
/** Share of the decrease that the slope promises which a step must reach (Armijo). */
const SUFFICIENT = 1e-4;
const MAXIMUM_HALVINGS = 20;

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** target += scale · b. In place: vectors of many labels are long, and making new ones took most of a step (docs/decisions.md). */
function add(target: Float64Array, scale: number, b: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += scale * b[i]!;
}

/** a + scale · b */
function combine(a: Float64Array, scale: number, b: Float64Array): Float64Array {
  const sum = a.slice();
  add(sum, scale, b);
  return sum;
}

interface Pair {
  step: Float64Array;
  change: Float64Array;
  /** 1 / (step · change) */
  rho: number;
}

/** The quasi-Newton direction: minus the estimated inverse Hessian times the gradient, by the two-loop recursion. */
function direction(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const d = new Float64Array(gradient.length);
  add(d, -1, gradient);
  const alphas: number[] = [];
  for (const { step, change, rho } of pairs.toReversed()) {
    const alpha = rho * dot(step, d);
    alphas.push(alpha);
    add(d, -alpha, change);
  }
  const last = pairs.at(-1);
  const scale = last ? 1 / (last.rho * dot(last.change, last.change)) : 1 / Math.max(1, Math.sqrt(dot(d, d)));
  for (let i = 0; i < d.length; i++) d[i]! *= scale;
  for (const { step, change, rho } of pairs) add(d, alphas.pop()! - rho * dot(change, d), step);
  return d;
}

/**
 * Minimises a smooth function from `start` by limited-memory BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.5)
 * with backtracking. Ends when no element of the gradient exceeds `tolerance`, when no step decreases the value any
 * more, or after `iterations`.
 */
export async function minimize(
  objective: Objective,
  start: Float64Array,
  { tolerance, iterations }: { tolerance: number; iterations: number },
): Promise<Float64Array> {
  let point: Float64Array = start.slice();
  let gradient: Float64Array = new Float64Array(start.length);
  let value = await objective(point, gradient);
  const pairs: Pair[] = [];
  for (let i = 0; i < iterations; i++) {
    if (gradient.every((g) => Math.abs(g) <= tolerance)) break;
    let d = direction(gradient, pairs);
    let slope = dot(d, gradient);
    if (slope >= 0) {
      pairs.length = 0;
      d = direction(gradient, pairs);
      slope = dot(d, gradient);
    }
    const found = await search(objective, point, value, d, slope);
    if (!found) break;
    const step = combine(found.point, -1, point);
    const change = combine(found.gradient, -1, gradient);
    const curvature = dot(step, change);
    if (curvature > 1e-12) pairs.push({ step, change, rho: 1 / curvature });
    if (pairs.length > MEMORY) pairs.shift();
    ({ point, value } = found);
    gradient = found.gradient;
  }
  return point;
}

/** The first of the steps 1, 1/2, 1/4 … along `d` that decreases the value enough; undefined when none does. */
async function search(
  objective: Objective,
  from: Float64Array,
  value: number,
  d: Float64Array,
  slope: number,
): Promise<{ point: Float64Array; value: number; gradient: Float64Array } | undefined> {
  let length = 1;
  for (let i = 0; i < MAXIMUM_HALVINGS; i++) {
    const point = combine(from, length, d);
    const gradient = new Float64Array(from.length);
    const next = await objective(point, gradient);
    if (next <= value + SUFFICIENT * length * slope && next < value) return { point, value: next, gradient };
    length /= 2;
  }
  return undefined;
}
