import type { LabelledBox } from '../boxes.ts';
import type { Places } from './pyramid.ts';

/** What the places of one picture should say. */
export interface Targets {
  /** Index of the box that a place is to find; −1: none. */
  box: Int32Array;
  /** How well: the score that the place should give the box's label, 0–1. */
  score: Float32Array;
}

/** So many places learn to find a box, at most. */
const PLACES_PER_BOX = 10;
/** Weights of score and overlap in the choice of places (Feng et al. 2021). */
const SCORE_POWER = 0.5;
const OVERLAP_POWER = 6;

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/**
 * Task-aligned assignment (TOOD, Feng et al. 2021): of the places inside a box those learn to find it whose predictions are
 * best already, by score^½ · overlap⁶; a place in several boxes takes the one it overlaps most. The best place of a
 * box is to score its overlap, the others less. A box without a place inside takes the nearest one of the finest level.
 *
 * @param boxes in pixels
 * @param predicted `[4, places]`: left, top, right, bottom side of the predicted boxes, in pixels
 * @param logits `[labels, places]`
 */
export function assign(
  boxes: readonly LabelledBox[],
  predicted: Float32Array,
  logits: Float32Array,
  places: Places,
): Targets {
  const count = places.x.length;
  const box = new Int32Array(count).fill(-1);
  const overlap = new Float32Array(count);
  const alignment = new Float32Array(count);
  for (const [index, truth] of boxes.entries()) {
    const inside = placesInside(truth, places);
    const aligned = inside.map((place) => {
      const iou = overlapAt(place, predicted, truth);
      const score = sigmoid(logits[truth.label * count + place]!);
      return { place, iou, alignment: score ** SCORE_POWER * iou ** OVERLAP_POWER };
    });
    aligned.sort((a, b) => b.alignment - a.alignment || a.place - b.place);
    for (const candidate of aligned.slice(0, PLACES_PER_BOX)) {
      const { place } = candidate;
      if (box[place] !== -1 && overlap[place]! >= candidate.iou) continue;
      box[place] = index;
      overlap[place] = candidate.iou;
      alignment[place] = candidate.alignment;
    }
  }
  return { box, score: scoresOf(boxes.length, box, overlap, alignment) };
}

/** Alignments scaled per box so that the best is the box's best overlap. */
function scoresOf(boxes: number, box: Int32Array, overlap: Float32Array, alignment: Float32Array) {
  const best = Array.from({ length: boxes }, () => ({ overlap: 0, alignment: 0 }));
  box.forEach((index, place) => {
    if (index < 0) return;
    best[index]!.overlap = Math.max(best[index]!.overlap, overlap[place]!);
    best[index]!.alignment = Math.max(best[index]!.alignment, alignment[place]!);
  });
  return Float32Array.from(box, (index, place) => {
    if (index < 0) return 0;
    const { overlap: top, alignment: highest } = best[index]!;
    return highest > 0 ? (alignment[place]! / highest) * top : 0;
  });
}

function placesInside({ left, top, width, height }: LabelledBox, { x, y }: Places): number[] {
  const inside: number[] = [];
  for (let place = 0; place < x.length; place++) {
    const [dx, dy] = [x[place]! - left, y[place]! - top];
    if (dx > 0 && dx < width && dy > 0 && dy < height) inside.push(place);
  }
  return inside.length > 0 ? inside : [nearest(left + width / 2, top + height / 2, x, y)];
}

/** Of several the first, which is of the finest level. */
function nearest(cx: number, cy: number, x: Float32Array, y: Float32Array): number {
  let best = { place: 0, distance: Number.POSITIVE_INFINITY };
  for (let place = 0; place < x.length; place++) {
    const distance = (x[place]! - cx) ** 2 + (y[place]! - cy) ** 2;
    if (distance < best.distance) best = { place, distance };
  }
  return best.place;
}

function overlapAt(place: number, predicted: Float32Array, truth: LabelledBox): number {
  const count = predicted.length / 4;
  const [l, t, r, b] = [0, 1, 2, 3].map((side) => predicted[side * count + place]!) as [
    number,
    number,
    number,
    number,
  ];
  const width = Math.min(r, truth.left + truth.width) - Math.max(l, truth.left);
  const height = Math.min(b, truth.top + truth.height) - Math.max(t, truth.top);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / ((r - l) * (b - t) + truth.width * truth.height - width * height);
}
