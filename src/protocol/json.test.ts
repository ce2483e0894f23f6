import { expect, test } from 'vitest';
import { serialize } from './json.ts';

test('floats have a fraction, integers have none', () => {
  const answer = {
    F1Score: 1,
    Confidence: 83.41299819946289,
    Left: 0,
    MinInferenceUnits: 1,
    X: 1e-7,
    Top: -3,
  };
  expect(serialize(answer)).toBe(
    '{"F1Score":1.0,"Confidence":83.41299819946289,"Left":0.0,"MinInferenceUnits":1,"X":1e-7,"Top":-3.0}',
  );
});

test('floats at any depth', () => {
  expect(serialize({ CustomLabels: [{ Confidence: 100, Geometry: { BoundingBox: { Width: 1 } } }] })).toBe(
    '{"CustomLabels":[{"Confidence":100.0,"Geometry":{"BoundingBox":{"Width":1.0}}}]}',
  );
});

test('timestamps are epoch seconds with milliseconds as fraction', () => {
  const answer = { A: new Date(1690405809285), B: [{ C: new Date(1690405809000) }] };
  expect(serialize(answer)).toBe('{"A":1690405809.285,"B":[{"C":1690405809}]}');
});

test('absent members are left out, empty ones are not', () => {
  expect(serialize({ A: undefined, B: null, C: '', D: [], E: {} })).toBe('{"C":"","D":[],"E":{}}');
  expect(serialize({})).toBe('{}');
});

test('a text under the name of a float member stays a text', () => {
  expect(serialize({ Tags: { Width: '1' } })).toBe('{"Tags":{"Width":"1"}}');
});

test('a float that is no number is an error, not null', () => {
  expect(() => serialize({ F1Score: Number.NaN })).toThrow(SyntaxError);
});
