import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection } from '../vision/boxes.ts';
import type { ExaminedPicture } from '../vision/detection-metrics.ts';
import type { AnnotatedImage } from './annotated.ts';
import { BoxSnapshots } from './detection-snapshots.ts';
import { evaluationSummary, roundConfidence } from './evaluate.ts';
import { evaluateDetection } from './evaluate-detection.ts';

const at = (left: number, label = 0) => ({ left: left / 100, top: 0.1, width: 0.1, height: 0.1, label });
const seen = (left: number, score: number, label = 0) => ({ ...at(left, label), score });

describe('evaluateDetection', () => {
  const pictures: ExaminedPicture[] = [
    { truth: [at(0), at(20)], detections: [seen(0, 0.9), seen(60, 0.8), seen(20, 0.3)] },
    { truth: [at(40)], detections: [seen(80, 0.2), seen(40, 0.1)] },
    { truth: [at(0), at(50, 1)], detections: [] },
  ];
  const evaluation = evaluateDetection(['cap', 'watch', 'pen'], pictures);

  it('counts objects, at the threshold with the best F1', () => {
    const [cap, watch, pen] = evaluation.labels;
    // Ranks: right, wrong, right, wrong, right; four objects. F1 is best with all five: 2 · 3 / (5 + 4).
    expect(cap).toMatchObject({ testImages: 3, precision: 3 / 5, recall: 3 / 4, threshold: 0.05 });
    expect(cap!.f1).toBeCloseTo(6 / 9, 12);
    expect(watch).toEqual({ label: 'watch', testImages: 1, precision: 0, recall: 0, f1: 0, threshold: 0.5 });
    expect(pen).toEqual({ label: 'pen', testImages: 0, precision: 0, recall: 0, f1: 0, threshold: 0.5 });
  });

  it('has means over the labels with objects', () => {
    expect(evaluation.f1).toBeCloseTo(6 / 9 / 2, 12);
    expect(evaluation.averagePrecision).toBeCloseTo((1 + 2 / 3 + 3 / 5) / 4 / 2, 12);
    expect(evaluation.averageRecall).toBeCloseTo(3 / 4 / 2, 12);
  });

  it('becomes a summary without a confusion matrix', () => {
    const details = { projectVersionArn: 'arn', endedAt: new Date(0), trainingImages: 7, testImages: 3 };
    expect(evaluationSummary(evaluation, details)).toMatchObject({
      AggregatedEvaluationResults: {
        Precision: evaluation.precision,
        Recall: evaluation.recall,
        F1Score: evaluation.f1,
        AveragePrecision: evaluation.averagePrecision,
        AverageRecall: evaluation.averageRecall,
      },
      LabelEvaluationResults: [{ Label: 'cap', Metrics: { Threshold: 0.05 } }, {}, {}],
    });
    expect(JSON.stringify(evaluationSummary(evaluation, details))).not.toContain('ConfusionMatrix');
  });
});

const KEY = 'rekognition-custom-labels-evaluation';
const image = (picture: ExaminedPicture): AnnotatedImage => ({
  url: 's3://b/1.jpg',
  place: { bucket: 'b', key: '1.jpg' },
  size: { width: 1000, height: 500 },
  fileSize: { width: 1000, height: 500 },
  boxes: picture.truth.map((box) => ({ ...box, label: LABELS[box.label]! })),
});
const LABELS = ['cap', 'watch'];

/** Objects in a row, and detections beside, on and between them. */
const position = fc.integer({ min: 0, max: 85 });
const label = fc.nat(1);
const examined: fc.Arbitrary<ExaminedPicture> = fc.record({
  truth: fc.array(
    fc.tuple(position, label).map(([left, own]) => at(left, own)),
    { maxLength: 6 },
  ),
  detections: fc
    .array(
      fc
        .tuple(position, fc.double({ min: 0.01, max: 1, noNaN: true }).map(roundConfidence), label)
        .map((given): Detection => seen(...given)),
      { maxLength: 12 },
    )
    .map((list) => list.sort((a, b) => b.score - a.score)),
});

describe('the test snapshot', () => {
  it('has the counts that the figures are made of', () => {
    fc.assert(
      fc.property(fc.array(examined, { minLength: 1, maxLength: 6 }), (pictures) => {
        const { labels } = evaluateDetection(LABELS, pictures);
        const snapshots = new BoxSnapshots(labels, new Date(0));
        const lines = pictures.map((picture) => JSON.parse(snapshots.testingLine(image(picture), picture)));
        labels.forEach(({ precision, recall }, id) => {
          const verdict = (name: string) =>
            lines
              .flatMap((line) =>
                line[KEY].annotations.map((box: { class_id: number }, i: number) => ({
                  id: box.class_id,
                  ...line[`${KEY}-metadata`].objects[i][`${KEY}-details`],
                })),
              )
              .filter((object) => object.id === id && object[`is-${name}`]).length;
          const [tp, fp, fn] = ['true-positive', 'false-positive', 'false-negative'].map(verdict) as [
            number,
            number,
            number,
          ];
          const objects = pictures.flatMap(({ truth }) => truth.filter((box) => box.label === id)).length;
          expect(tp + fn).toBe(objects);
          if (objects === 0) return;
          expect(recall).toBeCloseTo(tp / objects, 12);
          expect(precision).toBeCloseTo(tp + fp === 0 ? 0 : tp / (tp + fp), 12);
        });
      }),
    );
  });

  it('has whole pixels inside the image, and class ids that stay', () => {
    const model = [{ label: 'cap', threshold: 0.5 }];
    const snapshots = new BoxSnapshots(model, new Date('2026-09-06T00:07:25.488Z'));
    const picture = {
      truth: [],
      detections: [{ label: 0, score: 0.75, left: 0.9996, top: 0.1234, width: 0.0004, height: 0.8766 }],
    };
    const unknown = { ...at(10), label: 'hat' };
    const [first, second] = [0, 1].map(() =>
      JSON.parse(snapshots.testingLine({ ...image(picture), boxes: [unknown] }, picture)),
    );
    expect(first[KEY]).toEqual({
      annotations: [{ class_id: 0, left: 999, top: 62, width: 1, height: 438 }],
      image_size: [{ width: 1000, height: 500, depth: 3 }],
    });
    expect(first[`${KEY}-metadata`]).toEqual({
      'job-name': 'rekognition-custom-labels-evaluation-job',
      'class-map': { 0: 'cap' },
      'human-annotated': 'no',
      objects: [
        {
          confidence: 0.75,
          'rekognition-custom-labels-evaluation-details': {
            version: 1,
            'ground-truth-labelling-jobs': ['rekognition-custom-labels-training-job'],
            'is-true-positive': false,
            'is-true-negative': false,
            'is-false-positive': true,
            'is-false-negative': false,
            'is-present-in-ground-truth': false,
          },
        },
      ],
      'creation-date': '2026-09-06T00:07:25.488000',
      type: 'groundtruth/object-detection',
    });
    expect(first['rekognition-custom-labels-training-0-metadata']['class-map']).toEqual({ 1: 'hat' });
    expect(second).toEqual(first);
  });

  it('keeps at most 50 boxes, unless more of them count', () => {
    const many = (count: number, score: number) =>
      Array.from({ length: count }, (_, i) => seen(i % 90, roundConfidence(score - i / 1000)));
    const line = (detections: Detection[]) => {
      const picture = { truth: [at(95)], detections };
      const snapshots = new BoxSnapshots([{ label: 'cap', threshold: 0.5 }], new Date(0));
      return JSON.parse(snapshots.testingLine(image(picture), picture))[`${KEY}-metadata`].objects;
    };
    const objects = line([...many(10, 0.9), ...many(90, 0.4)]);
    expect(objects).toHaveLength(50);
    // The object that was missed comes last; the negatives left out are the least confident ones.
    expect(objects.at(-1)).toMatchObject({
      confidence: 0,
      [`${KEY}-details`]: { 'is-false-negative': true },
    });
    expect(objects.at(-2)).toMatchObject({
      confidence: 0.362,
      [`${KEY}-details`]: { 'is-true-negative': true },
    });
    expect(line(many(60, 0.9))).toHaveLength(61);
  });
});
