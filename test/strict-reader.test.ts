import { expect, test } from 'vitest';
import { readStrictly } from './strict-reader.ts';

const headers = {
  'content-type': 'application/x-amz-json-1.1',
  'x-amzn-requestid': '3d7f2d5e-0000-4000-8000-000000000000',
  date: 'Fri, 20 Nov 2026 16:18:53 GMT',
};

const read = (operation: string, body: string, status = 200) =>
  readStrictly(operation, { status, headers, body });
const version = (members: string) =>
  read('DescribeProjectVersions', `{"ProjectVersionDescriptions":[{${members}}]}`);

test('answers as they should be', () => {
  expect(read('DeleteDataset', '{}')).toEqual([]);
  expect(read('ListTagsForResource', '{"Tags":{}}')).toEqual([]);
  expect(
    version(
      '"CreationTimestamp":1690556751.958,"BillableTrainingTimeInSeconds":1899,"EvaluationResult":{"F1Score":1.0}',
    ),
  ).toEqual([]);
  const modelled =
    '{"__type":"ResourceInUseException","Code":"ResourceInUseException","Logref":"x","Message":"y"}';
  expect(read('CreateProject', modelled, 400)).toEqual([]);
  expect(read('CreateProject', '{"__type":"ValidationException","message":"y"}', 400)).toEqual([]);
  expect(read('CreateProject', '{"__type":"SerializationException"}', 400)).toEqual([]);
});

test.each([
  ['"EvaluationResult":{"F1Score":1}', 'F1Score is written 1'],
  ['"BillableTrainingTimeInSeconds":1899.0', 'is written 1899.0'],
  ['"MinInferenceUnits":0', 'has 0, not 1 to Infinity'],
  ['"CreationTimestamp":"2023-07-28T15:05:51Z"', 'is no number'],
  ['"CreationTimestamp":1690556751958', 'is written 1690556751958'],
  ['"StatusMessage":null', 'is no text'],
  ['"Status":"DONE"', 'is DONE'],
  ['"ProjectVersionArn":"arn:aws:rekognition:us-east-1:1:project/p/1"', 'is arn:aws'],
  ['"OutputConfig":[]', 'is no structure'],
  ['"TrainingDataResult":{"Input":{"Assets":{}}}', 'is no list'],
  ['"State":"RUNNING"', 'has an unknown member State'],
])('in a description %s', (members, fault) => {
  expect(version(members)).toEqual([expect.stringContaining(fault)]);
});

test.each([
  [
    '{"__type":"ResourceNotFoundException","Code":"ResourceNotFoundException","Logref":"x","Message":"y"}',
    'does not model',
  ],
  ['{"__type":"ResourceInUseException","message":"y"}', 'with the members'],
  ['{"__type":"ValidationException","message":"x","Message":"x"}', 'with the members'],
  ['{"__type":"ValidationException","message":""}', 'is no text'],
  ['{"__type":"Oops"}', 'does not model Oops'],
])('in an error %s', (body, fault) => {
  expect(read('CreateProject', body, 400)).toContainEqual(expect.stringContaining(fault));
});

test('in the headers', () => {
  const bare = { 'content-type': 'application/json', 'x-amzn-requestid': '1' };
  expect(readStrictly('DeleteDataset', { status: 200, headers: bare, body: '{}' })).toEqual([
    'content type application/json',
    'no request id',
    'no date',
  ]);
});
