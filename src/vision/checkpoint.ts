import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import type { MovingAverage } from './moving-average.ts';
import type { AdamW } from './optimizer.ts';
import { bytesOf, writeAll } from './rows.ts';

/** Share of the steps after which the state of an optimisation is written down. */
const EVERY = 0.05;

/**
 * Steps between two states: a twentieth of all, and no fewer than show every picture once. Pictures are drawn anew after each,
 * so that a training that was cut short sees the same ones as one that wasn't.
 */
export function stepsBetweenStates(steps: number, pictures: number, batch: number): number {
  return Math.max(1, Math.ceil(EVERY * steps), Math.ceil(pictures / batch));
}

/** What an optimisation changes. */
interface Changing {
  /** Weights, and statistics of batch normalisations. */
  tensors: readonly Float32Array[];
  average: MovingAverage;
  optimizer: AdamW;
}

interface Header {
  identity: string;
  steps: number;
  lengths: number[];
  validationLoss?: number;
}

/** What {@link Checkpoint.resume} found. */
interface Resumed {
  /** Steps done; 0 where there is no state. */
  steps: number;
  /** As it was given to {@link Checkpoint.save}. */
  validationLoss?: number;
}

/** The state of an optimisation, in a file from which it goes on when it was cut short; nowhere without a path. */
export class Checkpoint {
  readonly #path: string | undefined;
  readonly #identity: string;
  readonly #changing: Changing;

  /** `about`: what the optimisation depends on. The state of another one is not taken up. */
  constructor(path: string | undefined, about: unknown, changing: Changing) {
    const lengths = changing.tensors.map(({ length }) => length);
    this.#identity = createHash('sha256')
      .update(JSON.stringify([about, lengths]))
      .digest('hex');
    this.#path = path;
    this.#changing = changing;
  }

  get #state(): Float32Array[] {
    const { tensors, average, optimizer } = this.#changing;
    return [...tensors, ...average.state, ...optimizer.state];
  }

  /** Writes the state down, whole or not at all. Throws the system's error when the disk is full. */
  async save(steps: number, validationLoss?: number): Promise<void> {
    if (this.#path === undefined) return;
    const tensors = this.#state;
    const lengths = tensors.map(({ length }) => length);
    const header: Header = { identity: this.#identity, steps, lengths, validationLoss };
    const parts = [Buffer.from(`${JSON.stringify(header)}\n`), ...tensors.map(bytesOf)];
    const file = await open(`${this.#path}.new`, 'w');
    try {
      let position = 0;
      for (const part of parts) {
        await writeAll(file, part, position);
        position += part.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
  }

  /** Takes up the state that was written down. */
  async resume(): Promise<Resumed> {
    const saved = await this.#load();
    if (!saved) return { steps: 0 };
    const { tensors, ...resumed } = saved;
    for (const [k, tensor] of this.#state.entries()) tensor.set(tensors[k]!);
    this.#changing.optimizer.resume(resumed.steps);
    return resumed;
  }

  async #load(): Promise<(Resumed & { tensors: Float32Array[] }) | undefined> {
    if (this.#path === undefined) return undefined;
    const content = await readFile(this.#path).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (!content) return undefined;
    const end = content.indexOf('\n');
    // Of this optimisation, or not read any further: whoever wrote it may have been another version of Ocellus.
    if (!content.subarray(0, Math.max(0, end)).includes(this.#identity)) return undefined;
    const { steps, lengths, validationLoss }: Header = JSON.parse(content.toString('utf8', 0, end));
    // In memory of its own, where numbers begin at a multiple of four bytes.
    const numbers = new Float32Array(Uint8Array.from(content.subarray(end + 1)).buffer);
    let from = 0;
    const tensors = lengths.map((length) => {
      from += length;
      return numbers.subarray(from - length, from);
    });
    return { steps, validationLoss, tensors };
  }
}
