import { expect, test } from 'vitest';
import { z } from 'zod';
import * as shapes from '../operations/shapes.ts';
import { parseBody, validate } from './validate.ts';

const schema = z.object({
  ProjectArn: shapes.ProjectArn.optional(),
  OutputConfig: shapes.OutputConfig.optional(),
  TrainingData: shapes.TrainingData.optional(),
  TestingData: shapes.TestingData.optional(),
  VersionNames: shapes.VersionNames.optional(),
  Features: shapes.Features.optional(),
  Feature: shapes.Feature.optional(),
  Tags: shapes.Tags.optional(),
  KmsKeyId: shapes.KmsKeyId.optional(),
  VersionDescription: shapes.VersionDescription.optional(),
  MaxResults: shapes.PageSize.optional(),
  MinInferenceUnits: shapes.InferenceUnits.optional(),
  MinConfidence: shapes.Percent.optional(),
  Image: shapes.Image.optional(),
  NextToken: shapes.PageToken.optional(),
});

const read = (text: string, against: z.ZodType = schema) => validate(against, parseBody(Buffer.from(text)));

/** Code and text of the refusal. */
function refusal(text: string, against?: z.ZodType): string {
  try {
    read(text, against);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'accepted';
}

const name = String.raw`Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+`;
const one = 'ValidationException: 1 validation error detected: ';
const length = (relation: string, n: number) => `Member must have length ${relation} than or equal to ${n}`;

test('no bytes are an empty object, null is absent, unknown members are ignored', () => {
  expect(read('')).toEqual({});
  expect(read('{"NextToken":null,"OutputConfig":{"S3Bucket":null},"Other":[1],"Tags":{"a":null}}')).toEqual({
    OutputConfig: {},
    Tags: {},
  });
});

test('blobs are Buffers, an integer may be written 70.0 and a float 70', () => {
  const input = read('{"Image":{"Bytes":"aGVsbG8="},"MaxResults":70.0,"MinConfidence":70}');
  expect(input).toEqual({ Image: { Bytes: Buffer.from('hello') }, MaxResults: 70, MinConfidence: 70 });
});

test('escapes and characters beyond ASCII arrive as text', () => {
  expect(read(String.raw`{"Tags":{"\u00e9":"世界"},"NextToken":"\ud83d\ude00"}`)).toEqual({
    Tags: { é: '世界' },
    NextToken: '😀',
  });
});

test('a required member that is absent', () => {
  const input = z.object({ OutputConfig: shapes.OutputConfig, VersionName: shapes.VersionName });
  expect(refusal('{"VersionName":"v","OutputConfig":null}', input)).toBe(
    `${one}Value null at 'outputConfig' failed to satisfy constraint: Member must not be null`,
  );
  const enumeration = z.object({ Feature: shapes.Feature });
  expect(refusal('{}', enumeration)).toContain(
    "Value null at 'feature' failed to satisfy constraint: Member must not",
  );
});

test('the empty blob, in the words of the real service', () => {
  expect(refusal('{"Image":{"Bytes":""}}')).toBe(
    `${one}Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' at 'image.bytes' failed to satisfy constraint: ` +
      'Member must have length greater than or equal to 1',
  );
});

test('a blob above 5 MiB', () => {
  const bytes = Buffer.alloc(5 * 1024 * 1024 + 1).toString('base64');
  expect(refusal(`{"Image":{"Bytes":"${bytes}"}}`)).toBe(
    `${one}Value 'java.nio.HeapByteBuffer[pos=0 lim=5242881 cap=5242881]' at 'image.bytes' failed to satisfy ` +
      `constraint: ${length('less', 5242880)}`,
  );
  expect(refusal(`{"Image":{"Bytes":"${Buffer.alloc(5 * 1024 * 1024).toString('base64')}"}}`)).toBe(
    'accepted',
  );
});

test('all failures are counted and joined', () => {
  expect(refusal('{"MaxResults":101,"OutputConfig":{"S3Bucket":"a/"}}')).toBe(
    'ValidationException: 3 validation errors detected: ' +
      `Value 'a/' at 'outputConfig.s3Bucket' failed to satisfy constraint: ${length('greater', 3)}; ` +
      "Value 'a/' at 'outputConfig.s3Bucket' failed to satisfy constraint: Member must satisfy regular expression " +
      String.raw`pattern: [0-9A-Za-z\.\-_]*; ` +
      "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
  );
});

test('elements are numbered from one', () => {
  const body = { TrainingData: { Assets: [{}, { GroundTruthManifest: { S3Object: { Name: '' } } }] } };
  expect(refusal(JSON.stringify(body))).toBe(
    `${one}Value '' at 'trainingData.assets.2.member.groundTruthManifest.s3Object.name' failed to satisfy ` +
      `constraint: ${length('greater', 1)}`,
  );
});

test('a list of scalars is reported as a whole', () => {
  expect(refusal('{"VersionNames":["a","b c",""]}')).toBe(
    `${one}Value '[a, b c, ]' at 'versionNames' failed to satisfy constraint: Member must satisfy constraint: ` +
      `[${length('less', 255)}, ${length('greater', 1)}, ${name}]`,
  );
  expect(refusal('{"Features":["A"]}')).toBe(
    `${one}Value '[A]' at 'features' failed to satisfy constraint: Member must satisfy constraint: ` +
      '[Member must satisfy enum value set: [CONTENT_MODERATION, CUSTOM_LABELS]]',
  );
  expect(refusal('{"VersionNames":[]}')).toContain(
    `'[]' at 'versionNames' failed to satisfy constraint: ${length('greater', 1)}`,
  );
  const eleven = JSON.stringify({ VersionNames: Array.from({ length: 11 }, (_, i) => `v${i}`) });
  expect(refusal(eleven)).toContain(length('less', 10));
});

test('keys and values of a map', () => {
  expect(refusal('{"Tags":{"aws:a":"1"}}')).toContain(
    "Value '{aws:a=1}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: " +
      `[${length('less', 128)}, ${length('greater', 1)}, Member must satisfy regular expression pattern: ^(?!aws:)`,
  );
  expect(refusal('{"Tags":{"a":"#"}}')).toContain(
    `Map value must satisfy constraint: [${length('less', 256)}, Member`,
  );
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`k${i}`, '']));
  expect(refusal(JSON.stringify({ Tags: many }))).toContain(length('less', 200));
});

test('enums, numbers and patterns', () => {
  expect(refusal('{"Feature":"X"}')).toContain('enum value set: [CONTENT_MODERATION, CUSTOM_LABELS]');
  expect(refusal('{"MinConfidence":150}')).toContain("Value '150.0' at 'minConfidence'");
  expect(refusal('{"MinInferenceUnits":0}')).toContain('Member must have value greater than or equal to 1');
  expect(
    refusal(String.raw`{"ProjectArn":"arn:aws:rekognition:us-east-1:123456789012:project/p/1\n"}`),
  ).toContain('Member must satisfy regular expression pattern: (^arn:[a-z');
  expect(
    refusal('{"ProjectArn":"arn:aws:rekognition:us-east-1:123456789012:project/p.-_/1690405809285"}'),
  ).toBe('accepted');
  expect(refusal('{"KmsKeyId":"alias/my_key"}')).toBe('accepted');
  expect(refusal('{"KmsKeyId":"/alias"}')).toContain('^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$');
  expect(refusal(`{"VersionDescription":"It's (really) a-b_c: 1, 2; ok?"}`)).toBe('accepted');
  expect(refusal('{"VersionDescription":"ä"}')).toContain("[a-zA-Z0-9-_. ()':,;?]+");
});

test.each([
  '{"MaxResults":"10"}',
  '{"MaxResults":1.5}',
  '{"MaxResults":4294967297}',
  '{"MaxResults":1e400}',
  '{"MaxResults":true}',
  '{"MinConfidence":"50"}',
  '{"ProjectArn":5}',
  '{"ProjectArn":["a"]}',
  '{"ProjectArn":{}}',
  '{"Feature":1}',
  '{"VersionNames":"a"}',
  '{"VersionNames":[1]}',
  '{"Tags":[]}',
  '{"Tags":{"a":1}}',
  '{"OutputConfig":"s3://b"}',
  '{"TestingData":{"AutoCreate":"true"}}',
  '{"Image":{"Bytes":"not base64!"}}',
  '{"Image":{"Bytes":"aGVsbG8"}}',
  '{"Image":{"Bytes":[104]}}',
])('the wrong JSON type in %s', (body) => {
  expect(refusal(body)).toMatch(/^SerializationException: .* \(at '.*'\)$/);
});

test('a wrong type goes before a wrong shape', () => {
  expect(refusal('{"MaxResults":101,"ProjectArn":1}')).toBe(
    "SerializationException: NUMBER_VALUE can not be converted to String. (at 'projectArn')",
  );
});

test.each(['{', '{"a":}', 'nonsense', '[]', '"text"', '1', 'null', ' ', "{'a':1}", '{"a":1}x'])(
  '%s is no body',
  (body) => {
    expect(refusal(body)).toMatch(/^SerializationException: ./);
  },
);

test('bytes that are not UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('{"NextToken":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
  expect(() => parseBody(bytes)).toThrow(/^The body is no JSON/);
});

test('deep nesting is refused or ignored, never a crash', () => {
  const deep = (open: string, close: string) => `{"X":${open.repeat(45_000)}1${close.repeat(45_000)}}`;
  for (const text of [deep('[', ']'), deep('{"a":', '}')]) {
    expect(refusal(text)).toMatch(/^(SerializationException: |accepted)/);
  }
});

test('a structure with a length is no text and no list', () => {
  for (const length of ['5000', '{"toString":"x"}']) {
    for (const member of ['ProjectArn', 'VersionNames']) {
      expect(refusal(`{"${member}":{"length":${length}}}`)).toContain(
        'SerializationException: Start of structure or map found where not expected.',
      );
    }
  }
});

test('names of the prototype are harmless', () => {
  expect(read('{"constructor":{"prototype":{"polluted":true}}}')).toEqual({});
  // A tag of that name would be lost.
  for (const text of ['{"__proto__":{"polluted":true}}', '{"Tags":{"__proto__":"x"}}']) {
    expect(refusal(text)).toBe('SerializationException: The name __proto__ is reserved.');
  }
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(read('{"Tags":{"constructor":"a","toString":"b"}}')).toEqual({
    Tags: { constructor: 'a', toString: 'b' },
  });
});

test('long values and many failures keep the error short', () => {
  expect(refusal(JSON.stringify({ NextToken: 'x'.repeat(1_000_000) })).length).toBeLessThan(2000);
  const Assets = Array.from({ length: 10_000 }, () => ({
    GroundTruthManifest: { S3Object: { Bucket: '' } },
  }));
  const text = refusal(JSON.stringify({ TrainingData: { Assets } }));
  expect(text).toContain('10000 validation errors detected');
  expect(text.length).toBeLessThan(50_000);
});

test('a body of very many nodes is refused before it is read', () => {
  for (const nodes of ['[],'.repeat(50_000), '1,'.repeat(60_000)]) {
    expect(refusal(`{"X":[${nodes}1]}`)).toBe(
      'SerializationException: The body has more than 50000 members.',
    );
  }
});
