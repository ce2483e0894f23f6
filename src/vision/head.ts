import { differentiate } from './graph/differentiate.ts';
import { Executable } from './graph/executable.ts';
import { Graph } from './graph/graph.ts';
import { encodeModel } from './graph/onnx.ts';
import { minimize } from './lbfgs.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import { permutation, random } from './random.ts';

/** Features with labels: what a head is trained on. */
export interface LabelledFeatures {
  /** `[count, width]`, row by row. */
  features: Float32Array;
  width: number;
  /** Indices into the labels, per row. */
  labels: readonly (readonly number[])[];
  labelCount: number;
  exclusive: boolean;
  /** Rows of one picture (its views) have one group: they are never divided between training and validation. */
  groups: Uint32Array;
}

/** A linear classifier: logits = weights · features + bias. */
export interface Head {
  /** `[labels, width]` */
  weights: Float32Array;
  bias: Float32Array;
  /** The strength of the regularisation that was chosen. */
  regularization: number;
  /** Mean loss on held-out pictures with that strength. */
  validationLoss: number;
  /** Logits of every row, each by a head that has not seen its picture, `[count, labels]`: for calibration. */
  validationLogits: Float32Array;
}

/** Strengths of the L2 penalty that are tried, times the mean loss; features are standardised. */
const STRENGTHS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1];
const FOLDS = 5;
const SEARCH = { tolerance: 1e-5, iterations: 200 };

/**
 * Trains multinomial logistic regression (one logistic regression per label when labels are not exclusive) with an L2
 * penalty whose strength is chosen by cross-validation over pictures. Same data and seed: the same head.
 */
export async function trainHead(data: LabelledFeatures, seed: number): Promise<Head> {
  const scale = standardization(data);
  const problem = await Problem.create(data, scale);
  try {
    const folds = assignFolds(data.groups, seed);
    let best: { strength: number; loss: number; logits: Float32Array } | undefined;
    const starts = Array.from({ length: FOLDS }, () => problem.zeros());
    // From strong to weak: each solution is a good start for the next.
    for (const strength of STRENGTHS.toReversed()) {
      const { loss, logits } = await crossValidate(problem, data, folds, strength, starts);
      if (!best || loss < best.loss) best = { strength, loss, logits };
      // The curve has one valley: once clearly past it, weaker penalties only take time.
      if (loss > 1.05 * best.loss) break;
    }
    const everything = new Float32Array(data.labels.length).fill(1);
    const solution = await problem.solve(everything, best!.strength, problem.zeros());
    return {
      ...unscale(solution, scale, data),
      regularization: best!.strength,
      validationLoss: best!.loss,
      validationLogits: best!.logits,
    };
  } finally {
    await problem.release();
  }
}

/** Mean and 1 / standard deviation per feature. */
interface Standardization {
  mean: Float32Array;
  inverse: Float32Array;
}

function standardization({ features, width }: LabelledFeatures): Standardization {
  const count = features.length / width;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (let i = 0; i < features.length; i++) {
    const value = features[i]!;
    mean[i % width]! += value / count;
    square[i % width]! += (value * value) / count;
  }
  const inverse = square.map((s, k) => {
    const variance = Math.max(0, s - mean[k]! ** 2);
    // A feature that doesn't vary says nothing.
    return variance > 1e-10 ? 1 / Math.sqrt(variance) : 0;
  });
  return { mean: Float32Array.from(mean), inverse: Float32Array.from(inverse) };
}

/** The head for features as they come. */
function unscale(
  solution: Float64Array,
  { mean, inverse }: Standardization,
  { width, labelCount }: LabelledFeatures,
) {
  const weights = new Float32Array(labelCount * width);
  const bias = new Float32Array(labelCount);
  for (let label = 0; label < labelCount; label++) {
    let shift = solution[labelCount * width + label]!;
    for (let k = 0; k < width; k++) {
      const weight = solution[label * width + k]! * inverse[k]!;
      weights[label * width + k] = weight;
      shift -= weight * mean[k]!;
    }
    bias[label] = shift;
  }
  return { weights, bias };
}

/** A fold per row, the same for all rows of a picture. */
function assignFolds(groups: Uint32Array, seed: number): Uint8Array {
  const names = [...new Set(groups)];
  const order = permutation(names.length, random(seed));
  const foldOf = new Map(Array.from(order, (group, i) => [names[group]!, i % FOLDS]));
  return Uint8Array.from(groups, (group) => foldOf.get(group)!);
}

async function crossValidate(
  problem: Problem,
  data: LabelledFeatures,
  folds: Uint8Array,
  strength: number,
  starts: Float64Array[],
): Promise<{ loss: number; logits: Float32Array }> {
  const { labelCount } = data;
  const logits = new Float32Array(folds.length * labelCount);
  let loss = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    const trained = Float32Array.from(folds, (f) => (f === fold ? 0 : 1));
    const held = Float32Array.from(folds, (f) => (f === fold ? 1 : 0));
    if (!held.includes(1) || !trained.includes(1)) continue;
    starts[fold] = await problem.solve(trained, strength, starts[fold]!);
    const validation = await problem.evaluate(starts[fold]!, held);
    loss += (validation.loss * held.reduce((sum, v) => sum + v, 0)) / folds.length;
    for (const [row, f] of folds.entries()) {
      if (f !== fold) continue;
      logits.set(validation.logits.subarray(row * labelCount, (row + 1) * labelCount), row * labelCount);
    }
  }
  return { loss, logits };
}

/** The loss over all rows and its gradient, computed by ONNX Runtime; rows are chosen by their importance. */
class Problem {
  readonly #executable: Executable;
  readonly #feeds: Record<string, { data: Float32Array; shape: number[] }>;
  readonly #labelCount: number;
  readonly #width: number;

  private constructor(
    executable: Executable,
    feeds: Record<string, { data: Float32Array; shape: number[] }>,
    labelCount: number,
    width: number,
  ) {
    this.#executable = executable;
    this.#feeds = feeds;
    this.#labelCount = labelCount;
    this.#width = width;
  }

  static async create(data: LabelledFeatures, { mean, inverse }: Standardization): Promise<Problem> {
    const { features, width, labels, labelCount, exclusive } = data;
    const count = labels.length;
    const g = new Graph();
    const x = g.input('features', [count, width]);
    const targets = g.input('targets', [count, labelCount]);
    const importance = g.input('importance', [count]);
    const weights = g.input('weights', [labelCount, width]);
    const bias = g.input('bias', [labelCount]);
    const logits = g.op('Gemm', [x, weights, bias], { transA: 0, transB: 1 });
    const losses = exclusive ? crossEntropy(g, logits, targets) : binaryCrossEntropy(g, logits, targets);
    const loss = g.sum(g.mul(losses, importance), [0]);
    const [weightGradient, biasGradient] = differentiate(g, loss, [weights, bias]);
    const outputs = { logits, loss, weightGradient: weightGradient!, biasGradient: biasGradient! };
    const standardized = features.map((v, i) => (v - mean[i % width]!) * inverse[i % width]!);
    const hot = new Float32Array(count * labelCount);
    for (const [row, list] of labels.entries()) for (const label of list) hot[row * labelCount + label] = 1;
    return new Problem(
      await Executable.compile(encodeModel(g.model(outputs))),
      {
        features: { data: standardized, shape: [count, width] },
        targets: { data: hot, shape: [count, labelCount] },
      },
      labelCount,
      width,
    );
  }

  zeros(): Float64Array {
    return new Float64Array(this.#labelCount * (this.#width + 1));
  }

  /** The best weights and bias, `[labels · width + labels]`, for the rows of importance 1. */
  async solve(importance: Float32Array, strength: number, start: Float64Array): Promise<Float64Array> {
    const penalized = this.#labelCount * this.#width;
    return await minimize(
      async (point, gradient) => {
        const result = await this.#run(point, importance);
        gradient.set(result.weightGradient!);
        gradient.set(result.biasGradient!, penalized);
        let penalty = 0;
        for (let i = 0; i < penalized; i++) {
          gradient[i]! += strength * point[i]!;
          penalty += 0.5 * strength * point[i]! ** 2;
        }
        return result.loss![0]! + penalty;
      },
      start,
      SEARCH,
    );
  }

  /** Mean loss over the rows of importance 1, and the logits of all rows. */
  async evaluate(
    point: Float64Array,
    importance: Float32Array,
  ): Promise<{ loss: number; logits: Float32Array }> {
    const { loss, logits } = await this.#run(point, importance);
    return { loss: loss![0]!, logits: logits! };
  }

  async #run(point: Float64Array, importance: Float32Array): Promise<Record<string, Float32Array>> {
    const [labels, width] = [this.#labelCount, this.#width];
    const total = importance.reduce((sum, v) => sum + v, 0);
    const parameters = Float32Array.from(point);
    return await this.#executable.run({
      ...this.#feeds,
      importance: { data: importance.map((v) => v / total), shape: [importance.length] },
      weights: { data: parameters.subarray(0, labels * width), shape: [labels, width] },
      bias: { data: parameters.subarray(labels * width), shape: [labels] },
    });
  }

  async release(): Promise<void> {
    await this.#executable.release();
  }
}
