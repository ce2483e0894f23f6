import { expect, it } from 'vitest';
import { parseLine } from '../manifest/line.ts';
import { testingLine, trainingLine } from './snapshots.ts';

const date = new Date('2026-09-06T00:07:25.488Z');
const url = 's3://my-images/test/img-0101.jpg';

it('writes the published line', () => {
  const line = testingLine(url, ['harbour'], [{ label: 'harbour', threshold: 0.9 }], [0.95], date);
  expect(line).toBe(
    JSON.stringify({
      'source-ref': url,
      'rekognition-custom-labels-training-0': 1,
      'rekognition-custom-labels-training-0-metadata': {
        confidence: 1,
        'job-name': 'rekognition-custom-labels-training-job',
        'class-name': 'harbour',
        'human-annotated': 'yes',
        'creation-date': '2026-09-06T00:07:25.488000',
        type: 'groundtruth/image-classification',
      },
      'rekognition-custom-labels-evaluation-0': 1,
      'rekognition-custom-labels-evaluation-0-metadata': {
        confidence: 0.95,
        'job-name': 'rekognition-custom-labels-evaluation-job',
        'class-name': 'harbour',
        'human-annotated': 'no',
        'creation-date': '2026-09-06T00:07:25.488000',
        type: 'groundtruth/image-classification',
        'rekognition-custom-labels-evaluation-details': {
          version: 1,
          'ground-truth-labelling-jobs': ['rekognition-custom-labels-training-job'],
          'is-true-positive': true,
          'is-true-negative': false,
          'is-false-positive': false,
          'is-false-negative': false,
          'is-present-in-ground-truth': true,
        },
      },
    }),
  );
});

interface Details {
  [key: `is-${string}`]: boolean;
}

function predictions(line: string) {
  const object = JSON.parse(line);
  return Object.keys(object)
    .filter((key) => /evaluation-\d+-metadata$/.test(key))
    .map((key) => {
      const details: Details = object[key]['rekognition-custom-labels-evaluation-details'];
      const verdict = Object.entries(details).filter(
        ([name, yes]) => yes === true && name !== 'is-present-in-ground-truth',
      );
      expect(verdict).toHaveLength(1);
      return `${object[key]['class-name']} ${verdict[0]![0]} ${details['is-present-in-ground-truth']}`;
    });
}

it('judges every label at its own threshold, the most confident first', () => {
  const model = [
    { label: 'a', threshold: 0.5 },
    { label: 'b', threshold: 0.5 },
    { label: 'c', threshold: 0.9 },
    { label: 'd', threshold: 0.1 },
  ];
  const line = testingLine(url, ['a', 'c', 'unknown to the model'], model, [0.5, 0.4, 0.8, 0.3], date);
  expect(predictions(line)).toEqual([
    'c is-false-negative true',
    'a is-true-positive true',
    'b is-true-negative false',
    'd is-false-positive false',
  ]);
});

it('drops the least confident true negatives of a model with many labels', () => {
  const model = Array.from({ length: 250 }, (_, i) => ({ label: `l${i}`, threshold: 0.5 }));
  const confidences = model.map((_, i) => (i === 3 ? 0.9 : i / 1000));
  const shown = predictions(testingLine(url, ['l0'], model, confidences, date));
  expect(shown).toHaveLength(50);
  expect(shown[0]).toBe('l3 is-false-positive false');
  expect(shown[1]).toBe('l249 is-true-negative false');
  expect(shown.at(-1)).toBe('l0 is-false-negative true');
});

it('writes lines that are manifest lines', () => {
  const labels = ['a', 'b'];
  expect(parseLine(trainingLine(url, labels, date))).toEqual({
    state: 'valid',
    image: { bucket: 'my-images', key: 'test/img-0101.jpg' },
    labels,
    boxes: [],
    problems: [],
  });
  const tested = testingLine(url, ['a'], [{ label: 'a', threshold: 0.5 }], [0.7], date);
  expect(parseLine(tested).problems).toEqual([]);
});
