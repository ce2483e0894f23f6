import { type Detection, intersectionOverUnion, type LabelledBox } from './boxes.ts';
import { mean } from './metrics.ts';

/**
 * Overlap from which a detection has found an object. A little less than a half, so that two whole-pixel boxes that overlap
 * by exactly a half match whatever the shares of the picture's size were rounded to.
 */
const MINIMUM_OVERLAP = 0.5 - 1e-9;

/** The objects of one picture, and what a detector says of it. */
export interface ExaminedPicture {
  truth: readonly LabelledBox[];
  detections: readonly Detection[];
}

/**
 * Gives each detection at most one object of its label, and each object at most one detection: the best detection chooses
 * first, and takes the free object that it overlaps most, by a half at least (the rule of pycocotools' COCOeval, with
 * equally good objects going to the last one).
 *
 * @returns for each detection the index of its object in `truth`, or undefined
 */
export function matchDetections({ truth, detections }: ExaminedPicture): (number | undefined)[] {
  const matches = new Array<number | undefined>(detections.length).fill(undefined);
  const taken = new Set<number>();
  const order = [...detections.keys()].sort((a, b) => detections[b]!.score - detections[a]!.score);
  for (const index of order) {
    const detection = detections[index]!;
    let highest = MINIMUM_OVERLAP;
    truth.forEach((box, object) => {
      if (box.label !== detection.label || taken.has(object)) return;
      const overlap = intersectionOverUnion(detection, box);
      if (overlap < highest) return;
      highest = overlap;
      matches[index] = object;
    });
    if (matches[index] !== undefined) taken.add(matches[index]);
  }
  return matches;
}

/** All detections of one label in a set of pictures, the best first. */
export interface Ranking {
  scores: number[];
  /** Whether the detection found an object. */
  correct: boolean[];
  /** Objects of the label. */
  objects: number;
  /** Pictures with such an object. */
  pictures: number;
}

/** One ranking per label. Equal scores stay in the order of pictures and detections. */
export function rankDetections(set: Iterable<ExaminedPicture>, labelCount: number): Ranking[] {
  const found = Array.from({ length: labelCount }, (): { score: number; correct: boolean }[] => []);
  const counts = found.map(() => ({ objects: 0, pictures: 0 }));
  for (const picture of set) {
    const matches = matchDetections(picture);
    picture.detections.forEach(({ label, score }, index) => {
      found[label]!.push({ score, correct: matches[index] !== undefined });
    });
    for (const { label } of picture.truth) counts[label]!.objects++;
    for (const label of new Set(picture.truth.map((box) => box.label))) counts[label]!.pictures++;
  }
  return found.map((ofLabel, label) => {
    ofLabel.sort((a, b) => b.score - a.score);
    return {
      scores: ofLabel.map(({ score }) => score),
      correct: ofLabel.map(({ correct }) => correct),
      ...counts[label]!,
    };
  });
}

/**
 * The highest precision that is reached together with each recall or more; 0 for recalls that are never reached. This is
 * what average precisions are sums of.
 *
 * @param recalls 0–1, ascending
 */
export function interpolatedPrecision({ correct, objects }: Ranking, recalls: readonly number[]): number[] {
  let hits = 0;
  const hitsAt = correct.map((hit) => (hit ? ++hits : hits));
  const envelope = hitsAt.map((count, rank) => count / (rank + 1));
  for (let rank = envelope.length - 2; rank >= 0; rank--) {
    envelope[rank] = Math.max(envelope[rank]!, envelope[rank + 1]!);
  }
  let rank = 0;
  return recalls.map((recall) => {
    while (rank < hitsAt.length && hitsAt[rank]! / objects < recall) rank++;
    return envelope[rank] ?? 0;
  });
}

/**
 * The area under the curve of {@link interpolatedPrecision} over recall, 0–1 (all-point interpolation, Pascal VOC from 2010
 * on). The curve is a staircase with steps of one object, so it's the mean of the heights in the middle of the steps.
 * 0 without objects.
 */
export function averagePrecision(ranking: Ranking): number {
  const { objects } = ranking;
  const middles = Array.from({ length: objects }, (_, step) => (step + 0.5) / objects);
  return mean(interpolatedPrecision(ranking, middles));
}

/** Share of the objects that were found at any score, 0–1; 0 without objects. */
export function maximumRecall({ correct, objects }: Ranking): number {
  return objects === 0 ? 0 : correct.filter(Boolean).length / objects;
}
