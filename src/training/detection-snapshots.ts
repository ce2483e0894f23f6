import type { Box } from '../vision/boxes.ts';
import { type ExaminedPicture, matchDetections } from '../vision/detection-metrics.ts';
import type { ImageSize } from '../vision/image.ts';
import type { AnnotatedImage, NamedBox } from './annotated.ts';
import { timestamp } from './evaluate.ts';
import { EVALUATION, evaluationDetails, PREDICTIONS_PER_IMAGE, TRAINING } from './snapshots.ts';

/** One box of the evaluation: a detection, or an object that nothing was detected for. */
interface JudgedBox extends NamedBox {
  /** 0 for an object that nothing was detected for. */
  confidence: number;
  predicted: boolean;
  present: boolean;
}

/** Writes the lines of both snapshots of a detector. */
export class BoxSnapshots {
  readonly #model: readonly { label: string; threshold: number }[];
  readonly #date: string;
  /** Class ids: the numbers of the model's labels, then further ones of the ground truth as they come. */
  readonly #ids: Map<string, number>;

  /** @param model the model's labels with their assumed thresholds */
  constructor(model: readonly { label: string; threshold: number }[], date: Date) {
    this.#model = model;
    this.#date = timestamp(date);
    this.#ids = new Map(model.map(({ label }, id) => [label, id]));
  }

  /** A line of the training snapshot: the image with its boxes. JSON without line end. */
  trainingLine(image: AnnotatedImage): string {
    return JSON.stringify({ 'source-ref': image.url, ...this.#groundTruth(image) });
  }

  /**
   * A line of the test snapshot: the image with its boxes and what the model says of it.
   *
   * @param picture the boxes whose labels the model knows, and the detections, best first, with rounded confidences
   */
  testingLine(image: AnnotatedImage, picture: ExaminedPicture): string {
    const judged = shown(this.#judge(picture));
    const objects = judged.map(({ confidence, predicted, present }) => ({
      confidence,
      [`${EVALUATION}-details`]: evaluationDetails(predicted, present),
    }));
    return JSON.stringify({
      'source-ref': image.url,
      ...this.#groundTruth(image),
      [EVALUATION]: this.#boxes(judged, image.size),
      [`${EVALUATION}-metadata`]: this.#metadata(judged, objects, 'no', `${EVALUATION}-job`),
    });
  }

  /** Every detection, and every object that none found, with their outcomes: each object counts once. */
  #judge(picture: ExaminedPicture): JudgedBox[] {
    const { truth, detections } = picture;
    const matches = matchDetections(picture);
    const found = detections.map(({ score, label, ...box }, index) => ({
      ...box,
      label: this.#model[label]!.label,
      confidence: score,
      predicted: score >= this.#model[label]!.threshold,
      present: matches[index] !== undefined,
    }));
    const matched = new Set(matches);
    const missed = truth
      .filter((_, object) => !matched.has(object))
      .map(({ label, ...box }) => ({
        ...box,
        label: this.#model[label]!.label,
        confidence: 0,
        predicted: false,
        present: true,
      }));
    return [...found.sort((a, b) => b.confidence - a.confidence), ...missed];
  }

  #groundTruth({ boxes, size }: AnnotatedImage): object {
    const objects = boxes.map(() => ({ confidence: 1 }));
    return {
      [`${TRAINING}-0`]: this.#boxes(boxes, size),
      [`${TRAINING}-0-metadata`]: this.#metadata(boxes, objects, 'yes', `${TRAINING}-job`),
    };
  }

  #boxes(boxes: readonly NamedBox[], { width, height }: ImageSize): object {
    const annotations = boxes.map((box) => ({
      class_id: this.#id(box.label),
      ...inPixels(box, { width, height }),
    }));
    return { annotations, image_size: [{ width, height, depth: 3 }] };
  }

  #metadata(boxes: readonly NamedBox[], objects: object[], human: 'yes' | 'no', job: string): object {
    return {
      'job-name': job,
      'class-map': Object.fromEntries(boxes.map(({ label }) => [this.#id(label), label])),
      'human-annotated': human,
      objects,
      'creation-date': this.#date,
      type: 'groundtruth/object-detection',
    };
  }

  #id(label: string): number {
    const id = this.#ids.get(label) ?? this.#ids.size;
    this.#ids.set(label, id);
    return id;
  }
}

/** True negatives are what fills a line up, as in a classifier's snapshot. */
function shown(judged: JudgedBox[]): JudgedBox[] {
  const isNegative = ({ predicted, present }: JudgedBox) => !predicted && !present;
  let room = PREDICTIONS_PER_IMAGE - judged.filter((box) => !isNegative(box)).length;
  return judged.filter((box) => !isNegative(box) || room-- > 0);
}

/** Whole pixels within the image, one at least, as annotation tools write them. */
function inPixels({ left, top, width, height }: Box, size: ImageSize): Box {
  const across = span(left, width, size.width);
  const down = span(top, height, size.height);
  return { left: across.from, top: down.from, width: across.length, height: down.length };
}

function span(start: number, length: number, side: number): { from: number; length: number } {
  const from = Math.min(side - 1, Math.max(0, Math.round(start * side)));
  const to = Math.min(side, Math.max(from + 1, Math.round((start + length) * side)));
  return { from, length: to - from };
}
