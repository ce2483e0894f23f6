import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotateLine } from './annotate.ts';
import { LINE_ERRORS, LINE_WARNINGS } from './codes.ts';
import {
  boxAttribute,
  GOOD_BOX,
  imageAttribute,
  imageLine,
  multiLabelAttribute,
  type TestBox,
} from './fixtures.ts';
import { parseLine } from './line.ts';
import type { JsonObject, LineState } from './parsed.ts';

const source = { 'source-ref': 's3://pictures/a.png' };

interface Checked {
  state: LineState;
  labels: string[];
  boxes: string[];
  found: string[];
}

/** Parses a line and lists what its validation line shows: `code @ place`. */
function check(line: JsonObject | string): Checked {
  const text = typeof line === 'string' ? line : JSON.stringify(line);
  const parsed = parseLine(text);
  const annotated: JsonObject = parsed.problems.length ? JSON.parse(annotateLine(text, parsed.problems)) : {};
  return {
    state: parsed.state,
    labels: parsed.labels,
    boxes: parsed.boxes.map((box) => box.label),
    found: findings(annotated).sort(),
  };
}

function findings(value: unknown, path = 'line'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'errors' || key === 'warnings') {
      return (inner as { code: string }[]).map(({ code }) => `${code} @ ${path}`);
    }
    return findings(inner, path === 'line' ? key : `${path}.${key}`);
  });
}

const valid = (labels: string[], boxes: string[], ...found: string[]): Checked => ({
  state: 'valid',
  labels,
  boxes,
  found: found.sort(),
});
const invalid = (...found: string[]): Checked => ({
  state: 'invalid',
  labels: [],
  boxes: [],
  found: found.sort(),
});
const ignored = (...found: string[]): Checked => ({
  state: 'ignored',
  labels: [],
  boxes: [],
  found: found.sort(),
});

const scene = (change: JsonObject) => imageLine('a.png', 'harbour', 'scene', change);
const without = (key: string) => scene({ [key]: undefined });
const badMetadata = invalid('ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT @ scene-metadata');
const boxLine = (boxes: TestBox[], change?: Parameters<typeof boxAttribute>[1]) => ({
  ...source,
  ...boxAttribute(boxes, change),
});
const badBoxes = invalid('ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT @ boxes');
const badBoxMetadata = invalid('ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT @ boxes-metadata');
const good = boxLine([GOOD_BOX]);

describe('parseLine and annotateLine', () => {
  it.each<[string, JsonObject | string, Checked]>([
    // Lines that are fine.
    ['image-level', imageLine('a.png', 'harbour'), valid(['harbour'], [])],
    [
      'several labels',
      { ...imageLine('a.png', 'harbour'), ...imageAttribute('ship', 'second') },
      valid(['harbour', 'ship'], []),
    ],
    [
      'the same label twice',
      { ...imageLine('a.png', 'ship'), ...imageAttribute('ship', 'second') },
      valid(['ship'], []),
    ],
    ['boxes', boxLine([GOOD_BOX, [40, 30, 200, 310, 0]]), valid([], ['container', 'crane'])],
    [
      'both kinds',
      { ...imageLine('a.png', 'harbour'), ...boxAttribute([GOOD_BOX]) },
      valid(['harbour'], ['container']),
    ],
    [
      'two box attributes',
      { ...good, ...boxAttribute([[0, 0, 800, 600, 0]], {}, 'more') },
      valid([], ['container', 'crane']),
    ],
    ['multi-label list', { ...source, ...multiLabelAttribute([2, 0]) }, valid(['ship', 'crane'], [])],
    [
      'converted multi-label',
      scene({ type: 'groundtruth/image-classification-multilabel' }),
      valid(['harbour'], []),
    ],
    ['unknown attributes', { ...imageLine('a.png', 'x'), color: 'blue', more: { a: [] } }, valid(['x'], [])],
    ['no job name', without('job-name'), valid(['harbour'], [])],
    ['negative integer', { ...imageLine('a.png', 'x'), scene: -3 }, valid(['x'], [])],
    ['label named errors', imageLine('a.png', 'errors', 'errors'), valid(['errors'], [])],
    ['label named cl', imageLine('a.png', 'cl', 'cl'), valid(['cl'], [])],
    [
      'label named __proto__',
      `{"source-ref":"s3://pictures/a.png","__proto__":1,"__proto__-metadata":${JSON.stringify(imageAttribute('p')['scene-metadata'])}}`,
      valid(['p'], []),
    ],
    ['label of 256 characters', scene({ 'class-name': 'x'.repeat(256) }), valid(['x'.repeat(256)], [])],
    ...[
      '2020-03-06T17:46:39.176',
      '2018-10-18T22:18:13.527256',
      '2021-07-11T03:32:13.456Z',
      '2013-11-18 02:53:27',
    ].map((date): [string, JsonObject, Checked] => [
      date,
      scene({ 'creation-date': date }),
      valid(['harbour'], []),
    ]),
    ['box over the whole image', boxLine([[0, 0, 800, 600, 0]]), valid([], ['crane'])],
    ['50 boxes', boxLine(new Array(50).fill(GOOD_BOX)), valid([], new Array(50).fill('container'))],

    // JSON and source-ref.
    ['blank', '', invalid('ERROR_INVALID_JSON_LINE @ line')],
    ['not JSON', '{"source-ref":', invalid('ERROR_INVALID_JSON_LINE @ line')],
    ['two objects', '{}{}', invalid('ERROR_INVALID_JSON_LINE @ line')],
    ['array', '[]', invalid('ERROR_INVALID_JSON_LINE @ line')],
    ['null', 'null', invalid('ERROR_INVALID_JSON_LINE @ line')],
    [
      'too deep',
      `{"source-ref":"s3://b/k","a":${'['.repeat(40_000)}${']'.repeat(40_000)}}`,
      invalid('ERROR_INVALID_JSON_LINE @ line'),
    ],
    ['empty object', {}, invalid('ERROR_MISSING_SOURCE_REF @ line')],
    [
      'misspelt source-ref',
      { 'source-re': 's3://b/k', ...imageAttribute('x') },
      invalid('ERROR_MISSING_SOURCE_REF @ line'),
    ],
    ...[
      '',
      'a.png',
      's3://pictures',
      's3://pictures/',
      's3:///a.png',
      'http://pictures/a.png',
      's3://p ictures/a',
      7,
      null,
    ].map((ref): [string, JsonObject, Checked] => [
      `source-ref ${ref}`,
      { ...imageLine('a.png', 'x'), 'source-ref': ref },
      invalid('ERROR_INVALID_SOURCE_REF_FORMAT @ line'),
    ]),

    // Attributes.
    ['only source-ref', source, ignored('WARNING_UNANNOTATED_RECORD @ line')],
    ['attribute without metadata', { ...source, scene: 1 }, invalid('ERROR_NO_LABEL_ATTRIBUTES @ line')],
    [
      'metadata without attribute',
      { ...source, 'scene-metadata': {} },
      invalid('ERROR_NO_LABEL_ATTRIBUTES @ line'),
    ],
    [
      'metadata misnamed',
      { ...source, scene: 1, 'scene-meta': {} },
      invalid('ERROR_NO_LABEL_ATTRIBUTES @ line'),
    ],
    ...[1.5, '1', null, [1]].map((value): [string, JsonObject, Checked] => [
      `image-level value ${value}`,
      { ...imageLine('a.png', 'x'), scene: value },
      invalid('ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT @ line'),
    ]),
    [
      'image-level value {}',
      { ...imageLine('a.png', 'x'), scene: {} },
      invalid('ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT @ scene'),
    ],
    [
      'metadata is a list',
      { ...source, scene: 1, 'scene-metadata': [] },
      invalid('ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT @ line'),
    ],
    ...['confidence', 'class-name', 'human-annotated', 'creation-date', 'type'].map(
      (key): [string, JsonObject, Checked] => [`no ${key}`, without(key), badMetadata],
    ),
    ['confidence 1.1', scene({ confidence: 1.1 }), badMetadata],
    ['confidence "1"', scene({ confidence: '1' }), badMetadata],
    ['class-name empty', scene({ 'class-name': '' }), badMetadata],
    ['class-name 7', scene({ 'class-name': 7 }), badMetadata],
    ['human-annotated maybe', scene({ 'human-annotated': 'maybe' }), badMetadata],
    ['creation-date yesterday', scene({ 'creation-date': 'yesterday' }), badMetadata],
    ['creation-date 5', scene({ 'creation-date': 5 }), badMetadata],
    [
      'value and metadata wrong',
      { ...scene({ confidence: 2 }), scene: 'x' },
      invalid(
        'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT @ scene-metadata',
        'ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT @ line',
      ),
    ],
    [
      'unsupported type',
      scene({ type: 'groundtruth/label-verification' }),
      invalid('ERROR_UNSUPPORTED_USE_CASE_TYPE @ scene-metadata', 'ERROR_NO_VALID_LABEL_ATTRIBUTES @ line'),
    ],
    [
      'unsupported type beside a good attribute',
      {
        ...imageLine('a.png', 'ship', 'other'),
        ...imageAttribute('x', 'scene', { type: 'groundtruth/semantic-segmentation' }),
      },
      valid(['ship'], [], 'ERROR_UNSUPPORTED_USE_CASE_TYPE @ scene-metadata'),
    ],
    [
      'label of 257 characters',
      scene({ 'class-name': 'x'.repeat(257) }),
      invalid('ERROR_INVALID_LABEL_NAME_LENGTH @ scene-metadata', 'ERROR_NO_VALID_LABEL_ATTRIBUTES @ line'),
    ],
    [
      'multi-label id unknown',
      { ...source, ...multiLabelAttribute([7]) },
      invalid('ERROR_MISSING_CLASS_MAP_ID @ tags-metadata'),
    ],
    [
      'multi-label id "2"',
      { ...source, ...multiLabelAttribute(['2']) },
      invalid('ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT @ line'),
    ],
    [
      'multi-label without class-map',
      { ...source, ...multiLabelAttribute([2], { 'class-map': undefined }) },
      invalid('ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT @ tags-metadata'),
    ],
    [
      'multi-label empty',
      { ...source, ...multiLabelAttribute([]) },
      ignored('WARNING_NO_ANNOTATIONS @ line'),
    ],

    // Boxes.
    ['box value 1', { ...good, boxes: 1 }, invalid('ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT @ line')],
    ...[
      undefined,
      {},
      [],
      [{ width: 800, height: 600 }],
      [{ width: 8.5, height: 600, depth: 3 }],
      [{ width: '800', height: 600, depth: 3 }],
    ].map((image_size): [string, JsonObject, Checked] => [
      `image_size ${JSON.stringify(image_size)}`,
      boxLine([GOOD_BOX], { value: { image_size } }),
      badBoxes,
    ]),
    ...[
      undefined,
      {},
      [7],
      [{ class_id: 0, left: 1, top: 1, width: 9 }],
      [{ class_id: '0', left: 1, top: 1, width: 9, height: 9 }],
      [{ class_id: 0, left: '1', top: 1, width: 9, height: 9 }],
    ].map((annotations): [string, JsonObject, Checked] => [
      `annotations ${JSON.stringify(annotations)}`,
      boxLine([GOOD_BOX], { value: { annotations } }),
      badBoxes,
    ]),
    ...['objects', 'class-map', 'type', 'human-annotated', 'creation-date'].map(
      (key): [string, JsonObject, Checked] => [
        `boxes without ${key}`,
        boxLine([GOOD_BOX], { metadata: { [key]: undefined } }),
        badBoxMetadata,
      ],
    ),
    ['class-map with a number', boxLine([GOOD_BOX], { metadata: { 'class-map': { 1: 7 } } }), badBoxMetadata],
    [
      'too few objects',
      boxLine([GOOD_BOX], { metadata: { objects: [] } }),
      invalid('ERROR_MISSING_BOUNDING_BOX_CONFIDENCE @ boxes-metadata'),
    ],
    [
      'object without confidence',
      boxLine([GOOD_BOX], { metadata: { objects: [{}] } }),
      invalid('ERROR_MISSING_BOUNDING_BOX_CONFIDENCE @ boxes-metadata'),
    ],
    [
      'class id not in the map',
      boxLine([[1, 1, 9, 9, 7]]),
      invalid('ERROR_MISSING_CLASS_MAP_ID @ boxes-metadata'),
    ],
    [
      'confidence and class id missing',
      boxLine([[1, 1, 9, 9, 7]], { metadata: { objects: [] } }),
      invalid(
        'ERROR_MISSING_BOUNDING_BOX_CONFIDENCE @ boxes-metadata',
        'ERROR_MISSING_CLASS_MAP_ID @ boxes-metadata',
      ),
    ],
    [
      'image_size 63',
      boxLine([], { value: { image_size: [{ width: 63, height: 600, depth: 3 }] } }),
      invalid('ERROR_INVALID_IMAGE_DIMENSION @ line'),
    ],
    [
      'image_size 4097',
      boxLine([GOOD_BOX], { value: { image_size: [{ width: 4097, height: 600, depth: 3 }] } }),
      invalid('ERROR_INVALID_IMAGE_DIMENSION @ line'),
    ],
    ['51 boxes', boxLine(new Array(51).fill(GOOD_BOX)), invalid('ERROR_TOO_MANY_BOUNDING_BOXES @ boxes')],
    ...(
      [
        [-1, 0, 9, 9, 0],
        [0, -1, 9, 9, 0],
        [792, 0, 9, 9, 0],
        [0, 592, 9, 9, 0],
        [900, 0, 9, 9, 0],
      ] as TestBox[]
    ).map((box): [string, JsonObject, Checked] => [
      `box ${box} of two`,
      boxLine([GOOD_BOX, box]),
      valid([], ['container'], 'ERROR_INVALID_BOUNDING_BOX @ boxes.annotations.1'),
    ]),
    [
      'box 1 px wide of two',
      boxLine([[5, 5, 1, 9, 0], GOOD_BOX]),
      valid([], ['container'], 'ERROR_BOUNDING_BOX_TOO_SMALL @ boxes.annotations.0'),
    ],
    [
      'box 2 px wide on 2560 px',
      boxLine(
        [
          [5, 5, 2, 9, 0],
          [5, 5, 3, 9, 0],
        ],
        { value: { image_size: [{ width: 2560, height: 600, depth: 3 }] } },
      ),
      valid([], ['crane'], 'ERROR_BOUNDING_BOX_TOO_SMALL @ boxes.annotations.0'),
    ],
    [
      'no box valid',
      boxLine([
        [-1, 5, 9, 9, 0],
        [5, 5, 1, 9, 0],
      ]),
      invalid(
        'ERROR_INVALID_BOUNDING_BOX @ boxes.annotations.0',
        'ERROR_BOUNDING_BOX_TOO_SMALL @ boxes.annotations.1',
        'ERROR_NO_VALID_ANNOTATIONS @ line',
      ),
    ],
    [
      'no box valid beside a good label',
      { ...boxLine([[-1, 5, 9, 9, 0]]), ...imageAttribute('ship') },
      valid(['ship'], [], 'ERROR_INVALID_BOUNDING_BOX @ boxes.annotations.0'),
    ],
    [
      'long label in the class map',
      boxLine([GOOD_BOX], { metadata: { 'class-map': { 1: 'x'.repeat(257) } } }),
      invalid('ERROR_INVALID_LABEL_NAME_LENGTH @ boxes-metadata', 'ERROR_NO_VALID_LABEL_ATTRIBUTES @ line'),
    ],
    [
      'no boxes',
      boxLine([]),
      ignored('WARNING_NO_ATTRIBUTE_ANNOTATIONS @ boxes', 'WARNING_NO_ANNOTATIONS @ line'),
    ],
    [
      'no boxes in one attribute of two',
      { ...boxLine([]), ...boxAttribute([GOOD_BOX], {}, 'more') },
      valid([], ['container'], 'WARNING_NO_ATTRIBUTE_ANNOTATIONS @ boxes'),
    ],

    // Precedence: checks that come later are silent until the earlier errors are repaired.
    [
      'wrong format hides an off-frame box and an unsupported type',
      {
        ...boxLine([[-1, 5, 9, 9, 0]]),
        ...imageAttribute('x', 'scene', { confidence: 7 }),
        ...imageAttribute('x', 'verify', { type: 'x' }),
      },
      badMetadata,
    ],
    [
      'wrong format loses its attribute only',
      { ...good, ...imageAttribute('x', 'scene', { confidence: 7 }) },
      valid([], ['container'], 'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT @ scene-metadata'),
    ],

    // Findings of an earlier check are no attributes.
    [
      'earlier lists',
      { ...source, errors: [], warnings: [], 'cl-errors': [], 'cl-metadata': { is_labeled: true } },
      ignored('WARNING_UNANNOTATED_RECORD @ line'),
    ],
  ])('%s', (_, line, expected) => {
    expect(check(line)).toEqual(expected);
  });

  it('writes the published example of a wrong type', () => {
    const line = {
      ...source,
      ...boxAttribute([GOOD_BOX], { metadata: { type: 'groundtruth/wrongtype' } }, 'BB'),
    };
    const text = JSON.stringify(line);
    const annotated = JSON.parse(annotateLine(text, parseLine(text).problems));
    expect(annotated['BB-metadata'].errors).toEqual([
      {
        code: 'ERROR_UNSUPPORTED_USE_CASE_TYPE',
        message:
          'The use case type of the BB-metadata label attribute metadata is unsupported. Check the type field.',
      },
    ]);
    expect(annotated.errors).toEqual([
      { code: 'ERROR_NO_VALID_LABEL_ATTRIBUTES', message: 'No valid label attributes found.' },
    ]);
  });

  it('names the attribute in the message, whatever it is called', () => {
    const text = JSON.stringify({ ...imageLine('a.png', 'x', '$&'), '$&': 'no integer' });
    expect(JSON.parse(annotateLine(text, parseLine(text).problems)).errors[0].message).toBe(
      'The format of the label attribute $& is invalid.',
    );
  });

  it('leaves a good line as it stands, to the last space', () => {
    const text = ` ${JSON.stringify(imageLine('a.png', 'x'), null, 1).replaceAll('\n', ' ')}  `;
    expect(annotateLine(text, parseLine(text).problems)).toBe(text);
  });

  it('replaces what is no JSON object, or was too long to be read', () => {
    const replaced =
      '{"errors":[{"code":"ERROR_INVALID_JSON_LINE","message":"The JSON Line has an invalid format."}]}';
    for (const text of ['oops', undefined])
      expect(annotateLine(text, parseLine(text).problems)).toBe(replaced);
  });

  it('removes earlier findings at every level and writes the present ones', () => {
    const old = { errors: [{ code: 'OLD', message: '' }], 'cl-errors': [], warnings: [], 'cl-metadata': {} };
    const clean = boxLine([GOOD_BOX]);
    const dirty = structuredClone(clean) as ReturnType<typeof JSON.parse>;
    Object.assign(dirty, old);
    Object.assign(dirty.boxes, old);
    Object.assign(dirty.boxes.annotations[0], old);
    Object.assign(dirty['boxes-metadata'], old);
    const text = JSON.stringify(dirty);
    const parsed = parseLine(text);
    expect(parsed).toEqual(parseLine(JSON.stringify(clean)));
    expect(annotateLine(text, parsed.problems)).toBe(JSON.stringify(clean));
  });

  it('keeps a label attribute called errors beside the list of errors', () => {
    const text = JSON.stringify({ ...imageLine('a.png', 'errors', 'errors'), errors: 1.5 });
    const annotated = JSON.parse(annotateLine(text, parseLine(text).problems));
    expect(annotated.errors).toBe(1.5);
    expect(annotated['cl-errors']).toHaveLength(1);
  });

  const jsonLine = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, 1, 0.5, -5, 'yes', '', 's3://bucket/key', '2026-01-01', 'crane'),
      fc.constantFrom(
        'groundtruth/image-classification',
        'groundtruth/object-detection',
        'groundtruth/image-classification-multilabel',
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(
      fc.constantFrom(
        ...[
          'source-ref',
          'a',
          'a-metadata',
          'b',
          'b-metadata',
          'errors',
          'errors-metadata',
          'warnings',
          'cl',
          'cl-metadata',
        ],
        ...[
          'type',
          'class-name',
          'class-map',
          'objects',
          'annotations',
          'image_size',
          'width',
          'confidence',
          'class_id',
          '__proto__',
        ],
      ),
      tie('value'),
    ),
  })).object;

  /** Good lines with one value anywhere replaced by something else. */
  const damagedLine = fc
    .tuple(
      fc.constantFrom(
        imageLine('a.png', 'x'),
        boxLine([GOOD_BOX, GOOD_BOX]),
        { ...good, ...imageAttribute('y') },
        { ...source, ...multiLabelAttribute([2, 0]) },
      ),
      fc.nat(),
      fc.jsonValue({ maxDepth: 2 }),
    )
    .map(([line, at, value]) => {
      let places = 0;
      JSON.stringify(line, (_, inner) => {
        places++;
        return inner;
      });
      let place = 0;
      return JSON.stringify(line, (_, inner) => (place++ === at % places ? value : inner)) ?? '';
    });

  const anyText = fc.oneof(
    fc.string(),
    jsonLine.map((line) => JSON.stringify(line)),
    damagedLine,
  );

  it('never throws, and the line that it writes has the same state when it is read again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const first = parseLine(text);
        const annotated = annotateLine(text, first.problems);
        const second = parseLine(annotated);
        expect(second.state).toBe(first.state);
        expect(second.labels).toEqual(first.labels);
        expect(second.boxes).toEqual(first.boxes);
        const isReplaced = first.problems.some(({ code }) => code === 'ERROR_INVALID_JSON_LINE');
        if (!isReplaced) {
          expect(second.problems).toEqual(first.problems);
          expect(annotateLine(annotated, second.problems)).toBe(annotated);
        }
        expect(first.state === 'invalid').toBe(
          first.labels.length + first.boxes.length === 0 &&
            first.problems.some(({ code }) => code.startsWith('ERROR_')),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('has a message for every code, and the gap only where a name fills it', () => {
    const gaps = Object.entries({ ...LINE_ERRORS, ...LINE_WARNINGS }).filter(([, message]) =>
      message.includes('{}'),
    );
    expect(gaps.map(([code]) => code)).toEqual([
      'ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT',
      'ERROR_UNSUPPORTED_USE_CASE_TYPE',
    ]);
  });
});

describe('withoutObjects', () => {
  const seen = (line: JsonObject) => parseLine(JSON.stringify(line)).withoutObjects === true;
  const named = (boxes: TestBox[], attribute: string) => boxAttribute(boxes, {}, attribute);
  it.each<[string, boolean, JsonObject]>([
    ['a person drew no box', true, boxLine([])],
    ['in neither of two attributes', true, { ...boxLine([]), ...named([], 'more') }],
    ['beside a label of the whole image', true, { ...boxLine([]), ...imageAttribute('ship') }],
    ['a box in another attribute', false, { ...boxLine([]), ...named([GOOD_BOX], 'more') }],
    ['a box that is lost', false, { ...boxLine([]), ...named([[-1, 5, 9, 9, 0]], 'more') }],
    [
      'an attribute that is lost',
      false,
      { ...boxLine([]), more: 1, 'more-metadata': { type: 'groundtruth/odd' } },
    ],
    ['a machine drew no box', false, boxLine([], { metadata: { 'human-annotated': 'no' } })],
    ['only boxes', false, boxLine([GOOD_BOX])],
    ['only a label', false, imageLine('a.png', 'ship')],
    ['nothing', false, source],
  ])('%s: %s', (_, expected, line) => expect(seen(line)).toBe(expected));
});
