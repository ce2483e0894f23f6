import { expect, test } from 'vitest';
import { listedLine } from './annotate.ts';
import { boxAttribute, GOOD_BOX, imageLine } from './fixtures.ts';
import { parseLine } from './line.ts';
import type { JsonObject } from './parsed.ts';

function list(line: JsonObject, isLabeled = true): string {
  const text = JSON.stringify(line);
  return listedLine(text, isLabeled, parseLine(text).problems);
}

test('the published example of a line with a wrong type', () => {
  const metadata =
    '"BB-metadata":{"job-name":"labeling-job/BB","class-map":{"0":"comparator","1":"pot_resistor","2":"ir_phototransistor","3":"ir_led"},"human-annotated":"yes","objects":[{"confidence":1}],"creation-date":"2021-06-22T09:58:34.811Z","type":"groundtruth/wrongtype"';
  const line = `{"source-ref":"s3://bucket/image.jpg","BB":{"annotations":[{"left":2571,"top":1020,"width":644,"height":312,"class_id":3}],"image_size":[{"width":4000,"height":2667,"depth":3}]},${metadata}}}`;
  const type =
    '"cl-errors":[{"code":"ERROR_UNSUPPORTED_USE_CASE_TYPE","message":"The use case type of the BB-metadata label attribute metadata is unsupported. Check the type field."}]';
  const none =
    '"cl-errors":[{"code":"ERROR_NO_VALID_LABEL_ATTRIBUTES","message":"No valid label attributes found."}]';
  expect(listedLine(line, true, parseLine(line).problems)).toBe(
    `${line.slice(0, -2)},${type}},"cl-metadata":{"is_labeled":true},${none}}`,
  );
});

test('a line that is fine keeps its text', () => {
  const text = '{ "source-ref" : "s3://pictures/a.png" }';
  expect(listedLine(text, false, [])).toBe(`${text.slice(0, -1)},"cl-metadata":{"is_labeled":false}}`);
});

test('warnings keep their name', () => {
  expect(JSON.parse(list({ 'source-ref': 's3://pictures/a.png' }, false))).toMatchObject({
    warnings: [{ code: 'WARNING_UNANNOTATED_RECORD' }],
  });
  const line = { ...imageLine('a.png', 'harbour'), ...boxAttribute([]) };
  expect(JSON.parse(list(line))).toMatchObject({
    boxes: { warnings: [{ code: 'WARNING_NO_ATTRIBUTE_ANNOTATIONS' }] },
    'cl-metadata': { is_labeled: true },
  });
});

test.each(['cl', 'cl-errors', 'warnings'])('labels named "%s" keep their attributes', (name) => {
  const line = { ...imageLine('a.png', name, name), ...boxAttribute([GOOD_BOX, [-1, 0, 20, 20, 0]]) };
  expect(JSON.parse(list(line))).toMatchObject({ [name]: 1, [`${name}-metadata`]: { 'class-name': name } });
  const lost = { ...imageLine('a.png', name, name, { type: 'other' }) };
  expect(JSON.parse(list(lost))).toMatchObject({
    [name]: 1,
    [name === 'cl-errors' ? 'errors' : 'cl-errors']: [{ code: 'ERROR_NO_VALID_LABEL_ATTRIBUTES' }],
  });
});
