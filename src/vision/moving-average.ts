import type { Statistics } from './graph/trainable.ts';

/** An exponential moving average of weights, which predicts better than the last weights do (Polyak and Juditsky 1992). */
export class MovingAverage {
  readonly #tensors: Float32Array[];
  readonly #averages: Float32Array[];
  readonly #decay: number;

  /** `decay` is the share of the old value that each step keeps; less at the start. */
  constructor(tensors: Float32Array[], decay: number) {
    this.#tensors = tensors;
    this.#averages = tensors.map((tensor) => tensor.slice());
    this.#decay = decay;
  }

  /** The averages: in place, so that they can be restored. */
  get state(): readonly Float32Array[] {
    return this.#averages;
  }

  /** Takes in the tensors as they are after `step` (from 0). */
  update(step: number): void {
    const keep = Math.min(this.#decay, (1 + step) / (10 + step));
    this.#tensors.forEach((tensor, k) => void mix(this.#averages[k]!, tensor, keep));
  }

  /** Writes the averages over the tensors. */
  apply(): void {
    this.#averages.forEach((average, k) => void this.#tensors[k]!.set(average));
  }

  /** Exchanges tensors and averages; a second time restores both. */
  swap(): void {
    for (const [k, tensor] of this.#tensors.entries()) {
      const latest = tensor.slice();
      tensor.set(this.#averages[k]!);
      this.#averages[k]!.set(latest);
    }
  }
}

/** Moves the running mean and variance of every batch normalisation towards this batch's (`mean0`, `variance0`, …). */
export function updateStatistics(
  statistics: readonly Statistics[],
  batch: Record<string, Float32Array>,
  keep: number,
): void {
  for (const [k, { runningMean, runningVariance }] of statistics.entries()) {
    mix(runningMean, batch[`mean${k}`]!, keep);
    mix(runningVariance, batch[`variance${k}`]!, keep);
  }
}

function mix(running: Float32Array, latest: Float32Array, keep: number): void {
  for (let i = 0; i < running.length; i++) running[i] = keep * running[i]! + (1 - keep) * latest[i]!;
}
