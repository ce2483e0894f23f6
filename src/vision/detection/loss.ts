import type { LabelledBox } from '../boxes.ts';
import { assign, type Targets } from './assign.ts';
import type { Places } from './pyramid.ts';

/** Weights of the parts of the loss. */
const BOX_WEIGHT = 2.5;
const SCORE_WEIGHT = 1;
/** Weight of places and labels where nothing is to be found. */
const NEGATIVES = 0.75;
/** The logarithm of a distance in strides beyond which a side doesn't move further. */
export const LIMIT = 5;

/** Losses of a batch, and the gradient of their weighted sum by the predictions. */
export interface DetectionLoss {
  score: number;
  box: number;
  total: number;
  /** Like the predictions. */
  gradient: Float32Array;
}

type Boxes = readonly (readonly LabelledBox[])[];

/** The targets of a batch of predictions (see {@link detectionLoss}), per picture. */
export function assignBatch(
  predictions: Float32Array,
  labels: number,
  places: Places,
  boxes: Boxes,
): Targets[] {
  const count = places.x.length;
  return boxes.map((found, i) => {
    const own = ofPicture(predictions, i, labels, places);
    return assign(found, decodeBoxes(own, places), own.subarray(4 * count), places);
  });
}

function ofPicture(data: Float32Array, i: number, labels: number, places: Places): Float32Array {
  const size = (4 + labels) * places.x.length;
  return data.subarray(i * size, (i + 1) * size);
}

/**
 * The loss of predictions `[n, 4 + labels, places]` (see `withDetector`): the varifocal loss of the scores and the
 * generalised overlap of the boxes (Rezatofighi et al. 2019) weighted by the targets, both divided by the sum of the targets
 * over the batch. `boxes`: per picture, in pixels.
 */
export function detectionLoss(
  predictions: Float32Array,
  labels: number,
  places: Places,
  boxes: Boxes,
  targets = assignBatch(predictions, labels, places, boxes),
): DetectionLoss {
  const count = places.x.length;
  const gradient = new Float32Array(predictions.length);
  const sum = targets.reduce((all, { score }) => all + score.reduce((a, b) => a + b, 0), 0);
  const scale = 1 / Math.max(sum, 1);
  let [score, box] = [0, 0];
  for (const [i, { box: chosen, score: weights }] of targets.entries()) {
    const own = ofPicture(predictions, i, labels, places);
    const slope = ofPicture(gradient, i, labels, places);
    const predicted = decodeBoxes(own, places);
    const wanted = new Float32Array(labels * count);
    for (let place = 0; place < count; place++) {
      if (chosen[place]! < 0) continue;
      const truth = boxes[i]![chosen[place]!]!;
      const weight = weights[place]!;
      wanted[truth.label * count + place] = weight;
      box += weight * boxLoss(place, own, predicted, truth, places, slope, BOX_WEIGHT * scale * weight);
    }
    score += scoreLoss(own.subarray(4 * count), wanted, slope.subarray(4 * count), SCORE_WEIGHT * scale);
  }
  score *= scale;
  box *= scale;
  return { score, box, total: SCORE_WEIGHT * score + BOX_WEIGHT * box, gradient };
}

/** `[4, places]`: left, top, right and bottom side in pixels. */
export function decodeBoxes(predictions: Float32Array, { x, y, stride }: Places): Float32Array {
  const count = x.length;
  const sides = new Float32Array(4 * count);
  for (let place = 0; place < count; place++) {
    const distance = (side: number) =>
      Math.exp(Math.min(LIMIT, predictions[side * count + place]!)) * stride[place]!;
    sides[place] = x[place]! - distance(0);
    sides[count + place] = y[place]! - distance(1);
    sides[2 * count + place] = x[place]! + distance(2);
    sides[3 * count + place] = y[place]! + distance(3);
  }
  return sides;
}

/**
 * Varifocal loss (Zhang et al. 2021): Σ t · cross entropy(p, t) where the target t is above 0, and Σ ¾ p² · cross entropy(p, 0)
 * elsewhere, p = σ(logit). Writes `weight` times its gradient.
 */
function scoreLoss(
  logits: Float32Array,
  targets: Float32Array,
  gradient: Float32Array,
  weight: number,
): number {
  let loss = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = logits[i]!;
    const target = targets[i]!;
    const p = 1 / (1 + Math.exp(-z));
    const entropy = Math.max(z, 0) - z * target + Math.log1p(Math.exp(-Math.abs(z)));
    if (target > 0) {
      loss += target * entropy;
      gradient[i] = weight * target * (p - target);
    } else {
      loss += NEGATIVES * p * p * entropy;
      gradient[i] = weight * NEGATIVES * p * p * (p + 2 * (1 - p) * entropy);
    }
  }
  return loss;
}

/** 1 − generalised overlap at a place. Writes `weight` times its gradient. */
function boxLoss(
  place: number,
  predictions: Float32Array,
  predicted: Float32Array,
  truth: LabelledBox,
  { x, stride }: Places,
  gradient: Float32Array,
  weight: number,
): number {
  const count = x.length;
  const sides = [0, 1, 2, 3].map((side) => predicted[side * count + place]!);
  const wanted = [truth.left, truth.top, truth.left + truth.width, truth.top + truth.height];
  const { loss, slope } = generalisedOverlapLoss(sides, wanted);
  for (let side = 0; side < 4; side++) {
    const z = predictions[side * count + place]!;
    if (z >= LIMIT) continue;
    const distance = Math.exp(z) * stride[place]!;
    // A larger distance moves the left and upper side down.
    gradient[side * count + place] = weight * slope[side]! * (side < 2 ? -distance : distance);
  }
  return loss;
}

/** 1 − (I/U − (C − U)/C) for sides [left, top, right, bottom], and its slope by the predicted ones. */
export function generalisedOverlapLoss(
  [l, t, r, b]: readonly number[],
  [wl, wt, wr, wb]: readonly number[],
): { loss: number; slope: number[] } {
  const [width, height] = [r! - l!, b! - t!];
  const inner = {
    width: Math.min(r!, wr!) - Math.max(l!, wl!),
    height: Math.min(b!, wb!) - Math.max(t!, wt!),
  };
  const meets = inner.width > 0 && inner.height > 0;
  const intersection = meets ? inner.width * inner.height : 0;
  const union = width * height + (wr! - wl!) * (wb! - wt!) - intersection;
  const outer = {
    width: Math.max(r!, wr!) - Math.min(l!, wl!),
    height: Math.max(b!, wb!) - Math.min(t!, wt!),
  };
  const hull = outer.width * outer.height;
  // Slopes of intersection, area and hull by each side, then the chain rule over I/U + U/C − 1.
  const moves = [l! > wl!, t! > wt!, r! < wr!, b! < wb!];
  const slope = [0, 1, 2, 3].map((side) => {
    const sign = side < 2 ? -1 : 1;
    const [across, innerAcross, outerAcross] =
      side % 2 === 0 ? [height, inner.height, outer.height] : [width, inner.width, outer.width];
    const dIntersection = meets && moves[side] ? sign * innerAcross : 0;
    const dUnion = sign * across - dIntersection;
    const dHull = moves[side] ? 0 : sign * outerAcross;
    const dOverlap = dIntersection / union - (intersection / union ** 2) * dUnion;
    return -(dOverlap + dUnion / hull - (union / hull ** 2) * dHull);
  });
  return { loss: 1 - (intersection / union + union / hull - 1), slope };
}
