import { HeadProblem, type LabelledFeatures, SCORED, type Standardization } from './head-problem.ts';
import { permutation, random } from './random.ts';
import { rowsOf } from './rows.ts';
import { BALANCING, balance } from './sampling.ts';

/** A linear classifier: logits = weights · features + bias. */
export interface Head {
  /** `[labels, width]` */
  weights: Float32Array;
  bias: Float32Array;
}

/** A head with what its making told. */
export interface TrainedHead extends Head {
  /** The strength of the regularisation that was chosen. */
  regularization: number;
  /** Mean loss on held-out pictures with that strength. */
  validationLoss: number;
  /** Logits of pictures, each by a head that has not seen it: for calibration. */
  validation: {
    /** Places of the pictures, in order; not all of a large set. */
    pictures: number[];
    /** `[pictures, labels]` */
    logits: Float32Array;
  };
}

/** Strengths of the L2 penalty that are tried, times the mean loss; features are standardised. */
const STRENGTHS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1];
const FOLDS = 5;
/**
 * The strength is chosen on at most so many pictures, so many views of each, and so much work for one look at all of
 * them; roughly solved problems tell strengths apart as well.
 */
const CHOOSING = { pictures: 4000, views: 2, work: 1e9, search: { tolerance: 1e-4, iterations: 15 } };

/**
 * Trains multinomial logistic regression (one logistic regression per label when labels are not exclusive) with an L2
 * penalty whose strength is chosen by cross-validation over pictures. Same data and seed: the same head.
 */
export async function trainHead(data: LabelledFeatures, seed: number): Promise<TrainedHead> {
  const count = data.labels.length;
  const views = Math.min(data.views, CHOOSING.views);
  const affordable = Math.floor(CHOOSING.work / (views * data.features.width * data.labelCount));
  const size = Math.max(FOLDS, Math.min(CHOOSING.pictures, affordable));
  const pictures = Array.from(permutation(count, random(seed)).subarray(0, size)).sort((a, b) => a - b);
  const chosen = await chooseStrength(await select(data, pictures, views), seed);
  // The penalty stands beside a mean: the same knowledge of weights counts less beside more pictures.
  const strength = chosen.strength * (pictures.length / count);
  const head = await fitHead(
    data,
    Array.from({ length: count }, (_, i) => i),
    strength,
  );
  const validation = { pictures, logits: chosen.logits };
  return { ...head, regularization: strength, validationLoss: chosen.loss, validation };
}

/** Trains a head on some of the pictures with a given strength of the L2 penalty. */
export async function fitHead(
  data: LabelledFeatures,
  pictures: readonly number[],
  strength: number,
): Promise<Head> {
  const problem = await HeadProblem.create(data);
  try {
    const importance = new Float32Array(data.labels.length);
    const labels = pictures.map((i) => data.labels[i]!);
    const weights = balance(labels, BALANCING);
    for (const [k, i] of pictures.entries()) importance[i] = weights[k]!;
    return unscale(await problem.solve(importance, strength), problem.scale, data);
  } finally {
    await problem.release();
  }
}

/** Logits of pictures, `[pictures, labels]`: the mean of those of the whole picture and of its mirror image. */
export async function scoreHead(
  { weights, bias }: Head,
  { features, views }: LabelledFeatures,
  pictures: readonly number[],
): Promise<Float32Array> {
  const labels = bias.length;
  const { width } = features;
  const scored = Math.min(views, SCORED);
  const rows = new Float32Array(scored * width);
  const logits = new Float32Array(pictures.length * labels);
  for (const [k, picture] of pictures.entries()) {
    await features.read(picture * views, scored, rows);
    for (let label = 0; label < labels; label++) {
      let sum = 0;
      for (let i = 0; i < rows.length; i++) sum += weights[label * width + (i % width)]! * rows[i]!;
      logits[k * labels + label] = bias[label]! + sum / scored;
    }
  }
  return logits;
}

/** The first views of some pictures, in memory. */
async function select(
  data: LabelledFeatures,
  pictures: readonly number[],
  views: number,
): Promise<LabelledFeatures> {
  const { features, labels } = data;
  const size = views * features.width;
  const rows = new Float32Array(pictures.length * size);
  for (const [k, i] of pictures.entries()) {
    await features.read(i * data.views, views, rows.subarray(k * size));
  }
  return { ...data, views, features: rowsOf(rows, features.width), labels: pictures.map((i) => labels[i]!) };
}

/** The strength with the least loss on held-out pictures, that loss, and every picture's logits when it was held out. */
async function chooseStrength(data: LabelledFeatures, seed: number) {
  const problem = await HeadProblem.create(data);
  try {
    const folds = assignFolds(data.labels.length, seed);
    let best: { strength: number; loss: number; logits: Float32Array } | undefined;
    const starts = Array.from({ length: FOLDS }, () => problem.zeros());
    // From strong to weak: each solution is a good start for the next.
    for (const strength of STRENGTHS.toReversed()) {
      const { loss, logits } = await crossValidate(problem, data, folds, strength, starts);
      if (!best || loss < best.loss) best = { strength, loss, logits };
      // The curve has one valley: once clearly past it, weaker penalties only take time.
      if (loss > 1.05 * best.loss) break;
    }
    return best!;
  } finally {
    await problem.release();
  }
}

/** A fold per picture. */
function assignFolds(pictures: number, seed: number): Uint8Array {
  const folds = new Uint8Array(pictures);
  for (const [i, picture] of permutation(pictures, random(seed)).entries()) folds[picture] = i % FOLDS;
  return folds;
}

async function crossValidate(
  problem: HeadProblem,
  { labels, labelCount, exclusive }: LabelledFeatures,
  folds: Uint8Array,
  strength: number,
  starts: Float64Array[],
): Promise<{ loss: number; logits: Float32Array }> {
  const importance = balance(labels, exclusive ? BALANCING : 0);
  const logits = new Float32Array(labels.length * labelCount);
  let loss = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    const trained = Float32Array.from(folds, (f, i) => (f === fold ? 0 : importance[i]!));
    const held = Float32Array.from(folds, (f) => (f === fold ? 1 : 0));
    const count = held.reduce((sum, v) => sum + v, 0);
    if (count === 0 || count === labels.length) continue;
    starts[fold] = await problem.solve(trained, strength, starts[fold]!, CHOOSING.search);
    loss += ((await problem.loss(starts[fold]!, held, logits)) * count) / labels.length;
  }
  return { loss, logits };
}

/** The head for features as they come. */
function unscale(
  solution: Float64Array,
  { mean, inverse }: Standardization,
  { features: { width }, labelCount }: LabelledFeatures,
): Head {
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
