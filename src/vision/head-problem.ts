import type { Labelling } from './fit.ts';
import { differentiate } from './graph/differentiate.ts';
import { Executable, type Feed } from './graph/executable.ts';
import { Graph } from './graph/graph.ts';
import { encodeModel } from './graph/onnx.ts';
import { minimize } from './lbfgs.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import type { Rows } from './rows.ts';

/** Features of pictures with what they show. */
export interface LabelledFeatures extends Labelling {
  /** `[pictures · views, width]`, the views of a picture one after the other: the whole picture, its mirror image, others. */
  features: Rows;
  views: number;
}

/** Rows that are computed at a time, and bytes of features that stay in memory; more are read again and again. */
const LIMITS = { rows: 8192, bytes: 128 * 2 ** 20 };
/** Logits of a picture are the mean of those of so many views: of the whole picture and its mirror image. */
export const SCORED = 2;
const SEARCH = { tolerance: 1e-5, iterations: 200 };

/** Mean and 1 / standard deviation per feature. */
export interface Standardization {
  mean: Float32Array;
  inverse: Float32Array;
}

/** Rows `from` to `from + count`, and the pictures' labels as `[rows, labels]` zeros and ones. */
interface Block {
  from: number;
  count: number;
  features: Float32Array;
  targets: Float32Array;
}

/**
 * Logistic regression on standardised features: the loss and its gradient, computed by ONNX Runtime in blocks of rows, so that memory
 * doesn't grow with the number of pictures. Each picture has an importance.
 */
export class HeadProblem {
  readonly scale: Standardization;
  readonly #executable: Executable;
  readonly #data: LabelledFeatures;
  readonly #blockRows: number;
  /** Blocks that stay in memory; absent where all of them would be too much. */
  readonly #kept: Block[] | undefined;

  private constructor(
    executable: Executable,
    data: LabelledFeatures,
    blockRows: number,
    scale: Standardization,
    keep: boolean,
  ) {
    this.#executable = executable;
    this.#data = data;
    this.#blockRows = blockRows;
    this.scale = scale;
    this.#kept = keep ? [] : undefined;
  }

  static async create(data: LabelledFeatures, limits = LIMITS): Promise<HeadProblem> {
    const rows = data.labels.length * data.views;
    const blockRows = Math.ceil(rows / Math.ceil(rows / limits.rows));
    const scale = await standardization(data.features, rows, blockRows);
    const executable = await Executable.compile(lossGraph(data, blockRows));
    const bytes = rows * (data.features.width + data.labelCount) * Float32Array.BYTES_PER_ELEMENT;
    return new HeadProblem(executable, data, blockRows, scale, bytes <= limits.bytes);
  }

  zeros(): Float64Array {
    return new Float64Array(this.#data.labelCount * (this.#data.features.width + 1));
  }

  /** The best weights and bias, `[labels · width + labels]`, for pictures of such importance, with an L2 penalty. */
  async solve(
    importance: Float32Array,
    strength: number,
    start = this.zeros(),
    search = SEARCH,
  ): Promise<Float64Array> {
    const penalized = this.#data.labelCount * this.#data.features.width;
    return await minimize(
      async (point, gradient) => {
        gradient.fill(0);
        let value = await this.#evaluate(point, importance, gradient);
        for (let i = 0; i < penalized; i++) {
          gradient[i]! += strength * point[i]!;
          value += 0.5 * strength * point[i]! ** 2;
        }
        return value;
      },
      start,
      search,
    );
  }

  /**
   * Weighted mean of the loss. The logits of the pictures whose importance isn't 0 are added to `logits`, `[pictures, labels]`.
   */
  async loss(point: Float64Array, importance: Float32Array, logits: Float32Array): Promise<number> {
    return await this.#evaluate(point, importance, undefined, logits);
  }

  async #evaluate(
    point: Float64Array,
    importance: Float32Array,
    gradient?: Float64Array,
    logits?: Float32Array,
  ): Promise<number> {
    const { labels, labelCount, views, features } = this.#data;
    const total = views * importance.reduce((sum, v) => sum + v, 0);
    const parameters = new Float32Array(point);
    const split = labelCount * features.width;
    const weights = { data: parameters.subarray(0, split), shape: [labelCount, features.width] };
    const bias = { data: parameters.subarray(split), shape: [labelCount] };
    let value = 0;
    let next = this.#block(0);
    for (let from = 0; from < labels.length * views; from += this.#blockRows) {
      const block = await next;
      // The next block is read while ONNX Runtime computes this one.
      next = this.#block(from + this.#blockRows);
      const share = new Float32Array(this.#blockRows);
      for (let row = 0; row < block.count; row++) {
        share[row] = importance[Math.floor((from + row) / views)]! / total;
      }
      const result = await this.#executable.run({ ...this.#feeds(block, share), weights, bias });
      value += result.loss![0]!;
      if (gradient) {
        accumulate(gradient, result.weightGradient!);
        accumulate(gradient.subarray(split), result.biasGradient!);
      }
      if (logits) this.#addLogits(block, result.logits!, importance, logits);
    }
    await next;
    return value;
  }

  #feeds({ features, targets }: Block, importance: Float32Array): Record<string, Feed> {
    const rows = this.#blockRows;
    return {
      features: { data: features, shape: [rows, this.#data.features.width] },
      targets: { data: targets, shape: [rows, this.#data.labelCount] },
      importance: { data: importance, shape: [rows] },
    };
  }

  #addLogits({ from, count }: Block, rows: Float32Array, importance: Float32Array, target: Float32Array) {
    const { labelCount, views } = this.#data;
    const scored = Math.min(views, SCORED);
    for (let row = 0; row < count; row++) {
      const picture = Math.floor((from + row) / views);
      if ((from + row) % views >= scored || importance[picture] === 0) continue;
      for (let k = 0; k < labelCount; k++) {
        target[picture * labelCount + k]! += rows[row * labelCount + k]! / scored;
      }
    }
  }

  /** The block that begins at row `from`; an empty one behind the last. */
  async #block(from: number): Promise<Block> {
    const { features, labels, labelCount, views } = this.#data;
    const rows = labels.length * views;
    const place = from / this.#blockRows;
    const known = this.#kept?.[place];
    if (known) return known;
    const count = Math.max(0, Math.min(this.#blockRows, rows - from));
    const block: Block = {
      from,
      count,
      features: new Float32Array(this.#blockRows * features.width),
      targets: new Float32Array(this.#blockRows * labelCount),
    };
    if (count === 0) return block;
    await features.read(from, count, block.features);
    standardize(block.features, count, features.width, this.scale);
    for (let row = 0; row < count; row++) {
      for (const label of labels[Math.floor((from + row) / views)]!) {
        block.targets[row * labelCount + label] = 1;
      }
    }
    if (this.#kept) this.#kept[place] = block;
    return block;
  }

  async release(): Promise<void> {
    await this.#executable.release();
  }
}

function accumulate(sum: Float64Array, part: Float32Array): void {
  for (let i = 0; i < part.length; i++) sum[i]! += part[i]!;
}

async function standardization(features: Rows, rows: number, blockRows: number): Promise<Standardization> {
  const { width } = features;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  const block = new Float32Array(blockRows * width);
  for (let from = 0; from < rows; from += blockRows) {
    const count = Math.min(blockRows, rows - from);
    await features.read(from, count, block);
    for (let row = 0, i = 0; row < count; row++) {
      for (let k = 0; k < width; k++, i++) {
        const value = block[i]!;
        mean[k]! += value / rows;
        square[k]! += (value * value) / rows;
      }
    }
  }
  const inverse = square.map((s, k) => {
    const variance = Math.max(0, s - mean[k]! ** 2);
    // A feature that doesn't vary says nothing.
    return variance > 1e-10 ? 1 / Math.sqrt(variance) : 0;
  });
  return { mean: Float32Array.from(mean), inverse: Float32Array.from(inverse) };
}

function standardize(data: Float32Array, rows: number, width: number, { mean, inverse }: Standardization) {
  for (let row = 0, i = 0; row < rows; row++) {
    for (let k = 0; k < width; k++, i++) data[i] = (data[i]! - mean[k]!) * inverse[k]!;
  }
}

function lossGraph({ features: { width }, labelCount, exclusive }: LabelledFeatures, rows: number) {
  const g = new Graph();
  const x = g.input('features', [rows, width]);
  const targets = g.input('targets', [rows, labelCount]);
  const importance = g.input('importance', [rows]);
  const weights = g.input('weights', [labelCount, width]);
  const bias = g.input('bias', [labelCount]);
  const logits = g.op('Gemm', [x, weights, bias], { transA: 0, transB: 1 });
  const losses = exclusive ? crossEntropy(g, logits, targets) : binaryCrossEntropy(g, logits, targets);
  const loss = g.sum(g.mul(losses, importance), [0]);
  const [weightGradient, biasGradient] = differentiate(g, loss, [weights, bias]);
  const outputs = { logits, loss, weightGradient: weightGradient!, biasGradient: biasGradient! };
  return encodeModel(g.model(outputs));
}
