import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestThreshold, countOutcomes, harmonicMean } from '../vision/metrics.ts';
import { evaluate, evaluationSummary, roundConfidence, timestamp } from './evaluate.ts';

const details = {
  projectVersionArn: 'arn:aws:rekognition:us-east-1:000000000000:project/p/version/v/1',
  endedAt: new Date('2026-09-06T00:07:25.488Z'),
  trainingImages: 10,
  testImages: 624,
};

/** `count` images with the confidence `cap` for CAP and the rest for WATCH. */
const images = (count: number, label: number, cap: number) =>
  new Array(count).fill({ truth: [label], scores: [cap, roundConfidence(1 - cap)] });

/** The service's published example: two labels, 624 test images, rebuilt from its counts. */
const example = [
  ...[...images(381, 0, 0.995), ...images(7, 0, 0.9), ...images(2, 0, 0.1)],
  ...[...images(7, 1, 0.995), ...images(63, 1, 0.9), ...images(164, 1, 0.1)],
];
const run = (labels: string[], exclusive: boolean, set: { truth: number[]; scores: number[] }[]) =>
  evaluate(
    labels,
    exclusive,
    set.map(({ scores }) => scores),
    set.map(({ truth }) => truth),
  );

describe('the published example', () => {
  const evaluation = run(['CAP', 'WATCH'], true, example);

  it('has the published means', () => {
    expect(evaluation.f1).toBeCloseTo(0.97269595, 8);
    expect(harmonicMean(evaluation.precision, evaluation.recall)).toBeCloseTo(0.97270728, 8);
    const [cap, watch] = evaluation.labels;
    expect(cap).toMatchObject({ testImages: 390, precision: 381 / 388, recall: 381 / 390 });
    expect(watch).toMatchObject({ testImages: 234, precision: 227 / 236, recall: 227 / 234 });
  });

  it('counts every image once in the confusion matrix, by its top prediction', () => {
    expect(evaluation.confusion).toEqual([
      [388 / 390, 2 / 390],
      [70 / 234, 164 / 234],
    ]);
  });

  it('becomes the summary file', () => {
    expect(evaluationSummary(evaluation, details)).toEqual({
      Version: 1,
      EvaluationDetails: {
        ProjectVersionArn: details.projectVersionArn,
        EvaluationEndTimestamp: '2026-09-06T00:07:25.488000',
        Labels: ['CAP', 'WATCH'],
        NumberOfTrainingImages: 10,
        NumberOfTestingImages: 624,
      },
      AggregatedEvaluationResults: {
        Precision: evaluation.precision,
        Recall: evaluation.recall,
        F1Score: evaluation.f1,
        ConfusionMatrix: [
          { GroundTruthLabel: 'CAP', PredictedLabel: 'CAP', Value: 388 / 390 },
          { GroundTruthLabel: 'CAP', PredictedLabel: 'WATCH', Value: 2 / 390 },
          { GroundTruthLabel: 'WATCH', PredictedLabel: 'CAP', Value: 70 / 234 },
          { GroundTruthLabel: 'WATCH', PredictedLabel: 'WATCH', Value: 164 / 234 },
        ],
      },
      LabelEvaluationResults: evaluation.labels.map(
        ({ label, testImages, precision, recall, f1, threshold }) => ({
          Label: label,
          NumberOfTestingImages: testImages,
          Metrics: { Precision: precision, Recall: recall, F1Score: f1, Threshold: threshold },
        }),
      ),
    });
  });
});

describe('evaluate', () => {
  it('leaves labels without test images at 0 and out of the means', () => {
    const set = [
      { truth: [0], scores: [0.9, 0.3, 0] },
      { truth: [1], scores: [0.2, 0.8, 0] },
    ];
    const evaluation = run(['a', 'b', 'c'], true, set);
    expect(evaluation).toMatchObject({ precision: 1, recall: 1, f1: 1 });
    expect(evaluation.labels[2]).toEqual({
      label: 'c',
      testImages: 0,
      precision: 0,
      recall: 0,
      f1: 0,
      threshold: 0.5,
    });
  });

  it('has no confusion matrix for a multi-label model', () => {
    const evaluation = run(['a', 'b'], false, [{ truth: [0, 1], scores: [0.9, 0.8] }]);
    expect(evaluation.confusion).toBeUndefined();
    expect(evaluationSummary(evaluation, details)).not.toHaveProperty(
      'AggregatedEvaluationResults.ConfusionMatrix',
    );
  });

  it('sorts the labels of the summary by F1, best first', () => {
    const set = [
      { truth: [0], scores: [0.4, 0.9] },
      { truth: [1], scores: [0.5, 0.8] },
      { truth: [1], scores: [0.4, 0.7] },
    ];
    const summary = evaluationSummary(run(['a', 'b'], true, set), details) as {
      LabelEvaluationResults: { Label: string }[];
    };
    expect(summary.LabelEvaluationResults.map(({ Label }) => Label)).toEqual(['b', 'a']);
  });

  it('counts the same with the threshold as written, six decimals, as with the best one', () => {
    const score = fc.double({ min: 0, max: 1, noNaN: true }).map(roundConfidence);
    const image = fc.tuple(fc.oneof(score, fc.constantFrom(0.12345, 0.12346, 0.12347)), fc.boolean());
    fc.assert(
      fc.property(fc.array(image, { minLength: 1 }), (set) => {
        const scores = set.map(([confidence]) => confidence);
        const truth = set.map(([, present]) => present);
        const best = bestThreshold(scores, truth);
        if (best === undefined) return;
        const { threshold } = evaluate(
          ['a'],
          false,
          scores.map((s) => [s]),
          truth.map((t) => (t ? [0] : [])),
        ).labels[0]!;
        expect(countOutcomes(scores, truth, threshold)).toEqual(countOutcomes(scores, truth, best));
        expect(String(threshold).length).toBeLessThanOrEqual(8);
      }),
    );
  });
});

it('timestamps have microseconds and no zone', () => {
  expect(timestamp(new Date(0))).toBe('1970-01-01T00:00:00.000000');
});
