/** Hyper-parameters of AdamW except the learning rate. */
export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled weight decay, applied to kernels and matrices but not to vectors such as biases and scales. */
  weightDecay: number;
}

/** A tensor to optimise; `rate` is its factor of the learning rate, 1 when absent. */
export interface Optimized {
  data: Float32Array;
  shape: readonly number[];
  rate?: number;
}

/**
 * AdamW (Loshchilov and Hutter 2019) over a list of tensors, updated in place. It runs here and not in the graph:
 * one pass over each tensor against about ten, and the weights stay where the graph reads them.
 */
export class AdamW {
  readonly #parameters: Optimized[];
  readonly #options: AdamWOptions;
  readonly #moments: { first: Float32Array; second: Float32Array }[];
  #steps = 0;

  constructor(parameters: Optimized[], options: AdamWOptions) {
    this.#parameters = parameters;
    this.#options = options;
    this.#moments = parameters.map(({ data }) => ({
      first: new Float32Array(data.length),
      second: new Float32Array(data.length),
    }));
  }

  /** What it remembers besides the number of steps: in place, so that it can be restored. */
  get state(): Float32Array[] {
    return this.#moments.flatMap(({ first, second }) => [first, second]);
  }

  /** Goes on as after so many steps. */
  resume(steps: number): void {
    this.#steps = steps;
  }

  /** One update by the gradients, given in the order of the parameters. */
  step(gradients: readonly Float32Array[], learningRate: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    this.#steps++;
    // The corrections of the moments' start are the same for all: outside the loop they cost no division per weight.
    const correction = Math.sqrt(1 - beta2 ** this.#steps);
    const ratio = correction / (1 - beta1 ** this.#steps);
    const floor = epsilon * correction;
    for (const [k, { data, shape, rate = 1 }] of this.#parameters.entries()) {
      const speed = learningRate * rate;
      const gradient = gradients[k]!;
      const { first, second } = this.#moments[k]!;
      const pace = speed * ratio;
      const keep = 1 - speed * (shape.length > 1 ? weightDecay : 0);
      for (let i = 0; i < data.length; i++) {
        const g = gradient[i]!;
        const m = beta1 * first[i]! + (1 - beta1) * g;
        const v = beta2 * second[i]! + (1 - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        data[i] = data[i]! * keep - (pace * m) / (Math.sqrt(v) + floor);
      }
    }
  }
}

/**
 * Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013) over a list of tensors, updated in place;
 * weight decay adds to the gradient of kernels and matrices.
 */
export class Sgd {
  readonly #parameters: Optimized[];
  readonly #momentum: number;
  readonly #weightDecay: number;
  readonly #velocities: Float32Array[];

  constructor(parameters: Optimized[], { momentum, weightDecay }: { momentum: number; weightDecay: number }) {
    this.#parameters = parameters;
    this.#momentum = momentum;
    this.#weightDecay = weightDecay;
    this.#velocities = parameters.map(({ data }) => new Float32Array(data.length));
  }

  /** One update by the gradients, given in the order of the parameters. */
  step(gradients: readonly Float32Array[], learningRate: number): void {
    for (const [k, { data, shape, rate = 1 }] of this.#parameters.entries()) {
      const gradient = gradients[k]!;
      const velocity = this.#velocities[k]!;
      const decay = shape.length > 1 ? this.#weightDecay : 0;
      for (let i = 0; i < data.length; i++) {
        const g = gradient[i]! + decay * data[i]!;
        velocity[i] = this.#momentum * velocity[i]! + g;
        data[i]! -= learningRate * rate * (g + this.#momentum * velocity[i]!);
      }
    }
  }
}

/** Scales gradients so that their common Euclidean norm is at most `maximum`; returns the norm before. */
export function clipNorm(gradients: readonly Float32Array[], maximum: number): number {
  let square = 0;
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) square += gradient[i]! ** 2;
  const norm = Math.sqrt(square);
  if (norm > maximum) {
    const factor = maximum / norm;
    for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) gradient[i]! *= factor;
  }
  return norm;
}

/** A linear rise over the first `warmup` share of the steps, then half a cosine down to 0. `progress` is 0–1. */
export function cosineSchedule(progress: number, warmup: number): number {
  if (progress < warmup) return progress / warmup;
  return (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup))) / 2;
}
