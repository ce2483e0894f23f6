import type { JsonObject } from './parsed.ts';

/** An image-level line for tests: attribute `attribute`, label `label`. `change` goes into the metadata. */
export function imageLine(
  key: string,
  label: string,
  attribute = 'scene',
  change: JsonObject = {},
): JsonObject {
  return { 'source-ref': `s3://pictures/${key}`, ...imageAttribute(label, attribute, change) };
}

export function imageAttribute(label: string, attribute = 'scene', change: JsonObject = {}): JsonObject {
  return {
    [attribute]: 1,
    [`${attribute}-metadata`]: {
      confidence: 1,
      'job-name': `labeling-job/${attribute}`,
      'class-name': label,
      'human-annotated': 'yes',
      'creation-date': '2026-03-06T17:46:39.176',
      type: 'groundtruth/image-classification',
      ...change,
    },
  };
}

/** Left, top, width, height, class id. */
export type TestBox = [number, number, number, number, number];

/** A bounding-box attribute on an 800 × 600 image, classes 0 crane and 1 container. */
export function boxAttribute(
  boxes: TestBox[],
  change: { value?: JsonObject; metadata?: JsonObject } = {},
  attribute = 'boxes',
): JsonObject {
  return {
    [attribute]: {
      image_size: [{ width: 800, height: 600, depth: 3 }],
      annotations: boxes.map(([left, top, width, height, class_id]) => ({
        class_id,
        left,
        top,
        width,
        height,
      })),
      ...change.value,
    },
    [`${attribute}-metadata`]: {
      objects: boxes.map(() => ({ confidence: 1 })),
      'class-map': { 0: 'crane', 1: 'container' },
      type: 'groundtruth/object-detection',
      'human-annotated': 'yes',
      'creation-date': '2026-03-06T17:46:39',
      'job-name': 'labeling-job/boxes',
      ...change.metadata,
    },
  };
}

export const GOOD_BOX: TestBox = [300, 120, 90, 60, 1];

/** A multi-label attribute as Ground Truth writes it. */
export function multiLabelAttribute(value: unknown, change: JsonObject = {}): JsonObject {
  return {
    tags: value,
    'tags-metadata': {
      'job-name': 'labeling-job/tags',
      'class-map': { 2: 'ship', 0: 'crane' },
      'human-annotated': 'yes',
      'creation-date': '2026-02-27T21:36:25.000201',
      'confidence-map': { 2: 0.95, 0: 0.77 },
      type: 'groundtruth/image-classification-multilabel',
      ...change,
    },
  };
}
