import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, sign } from '../../test/signed-call.ts';
import { defineOperation, type Services } from '../operations/operation.ts';
import * as shapes from '../operations/shapes.ts';
import { createProtocolServer } from './server.ts';

// Whatever arrives, the server answers with one of its own errors or does the call; it never fails.

const createProjectVersion = defineOperation({
  name: 'CreateProjectVersion',
  input: z.object({
    ProjectArn: shapes.ProjectArn,
    VersionName: shapes.VersionName,
    OutputConfig: shapes.OutputConfig,
    TrainingData: shapes.TrainingData.optional(),
    TestingData: shapes.TestingData.optional(),
    Tags: shapes.Tags.optional(),
    KmsKeyId: shapes.KmsKeyId.optional(),
    VersionDescription: shapes.VersionDescription.optional(),
    FeatureConfig: shapes.CustomizationFeatureConfig.optional(),
  }),
  handle: async ({ ProjectArn }) => ({ ProjectVersionArn: ProjectArn }),
});
const detectCustomLabels = defineOperation({
  name: 'DetectCustomLabels',
  input: z.object({
    ProjectVersionArn: shapes.ProjectVersionArn,
    Image: shapes.Image,
    MaxResults: shapes.MaxLabels.optional(),
    MinConfidence: shapes.Percent.optional(),
  }),
  handle: async ({ MinConfidence }) => ({ CustomLabels: [{ Confidence: MinConfidence }] }),
});
const names = ['CreateProjectVersion', 'DetectCustomLabels'] as const;

const principal = {
  secretAccessKey: SECRET_ACCESS_KEY,
  arn: 'arn:aws:iam::111122223333:user/a',
  account: '1',
};
const credentials = { find: async (id: string) => (id === ACCESS_KEY_ID ? principal : undefined) };
let app: FastifyInstance;

beforeAll(async () => {
  app = createProtocolServer({
    services: {} as Services,
    operations: [createProjectVersion, detectCustomLabels],
    credentials,
  });
  await app.ready();
});
afterAll(() => app.close());

const signed = (name: string, body: string | Uint8Array, more: Record<string, string> = {}) =>
  sign({
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      host: 'localhost:4599',
      'x-amz-target': `RekognitionService.${name}`,
      ...more,
    },
    body,
    instant: new Date(),
  });

async function codeOf(headers: Record<string, string>, body: string | Uint8Array): Promise<string> {
  const payload = Buffer.from(body);
  const response = await app.inject({ method: 'POST', url: '/', headers, payload });
  expect(response.statusCode).toBeLessThan(500);
  expect(response.headers['x-amzn-requestid']).toBeDefined();
  return response.json().__type ?? 'accepted';
}

const name = fc.constantFrom(...names);
/** A signed body was read: it is accepted or refused for what it holds. */
const verdicts = ['accepted', 'SerializationException', 'ValidationException'];

test('any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(name, fc.uint8Array({ maxLength: 200 }), async (operation, bytes) => {
      expect(verdicts).toContain(await codeOf(signed(operation, bytes), bytes));
    }),
  );
});

test('any JSON', async () => {
  await fc.assert(
    fc.asyncProperty(name, fc.json({ maxDepth: 6 }), async (operation, body) => {
      expect(verdicts).toContain(await codeOf(signed(operation, body), body));
    }),
  );
});

/** The members of both operations, and what tends to break readers, holding anything. */
const members = fc.constantFrom(
  ...[
    'ProjectArn',
    'VersionName',
    'OutputConfig',
    'S3Bucket',
    'TrainingData',
    'Assets',
    'GroundTruthManifest',
  ],
  ...['S3Object', 'Name', 'AutoCreate', 'Tags', 'FeatureConfig', 'ContentModeration', 'ConfidenceThreshold'],
  ...['ProjectVersionArn', 'Image', 'Bytes', 'MaxResults', 'MinConfidence'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', ''],
);
const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom(
      null,
      true,
      0,
      -1,
      1.5,
      2 ** 31,
      2 ** 53,
      1e308,
      5e-324,
      '',
      'a',
      '\u0000',
      '\ud800',
      '=',
      'AAAA',
    ),
    fc.string({ unit: 'binary' }),
    fc.constant('arn:aws:rekognition:us-east-1:111122223333:project/p/1690405809285'),
    fc.array(tie('anything'), { maxLength: 4 }),
    fc
      .array(fc.tuple(members, tie('anything')), { maxLength: 8 })
      .map((entries) => Object.fromEntries(entries)),
  ),
}));
const memberBodies = fc
  .array(fc.tuple(members, anything), { maxLength: 8 })
  .map((entries) => Object.fromEntries(entries));

test('the right members with anything in them', async () => {
  await fc.assert(
    fc.asyncProperty(name, memberBodies, async (operation, members) => {
      const body = JSON.stringify(members);
      expect(verdicts).toContain(await codeOf(signed(operation, body), body));
    }),
    { numRuns: 500 },
  );
});

const whole = JSON.stringify({
  ProjectArn: 'arn:aws:rekognition:us-east-1:111122223333:project/p/1690405809285',
  VersionName: 'v',
  OutputConfig: { S3Bucket: 'bucket', S3KeyPrefix: 'out' },
  TestingData: { AutoCreate: true },
  FeatureConfig: { ContentModeration: { ConfidenceThreshold: 60.5 } },
});

test('a right body cut short or with a byte changed', async () => {
  expect(await codeOf(signed('CreateProjectVersion', whole), whole)).toBe('accepted');
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.boolean());
  await fc.assert(
    fc.asyncProperty(change, async ([at, byte, cut]) => {
      const bytes = Buffer.from(cut ? whole.slice(0, at) : whole);
      if (!cut) bytes[at] = byte;
      expect(verdicts).toContain(await codeOf(signed('CreateProjectVersion', bytes), bytes));
    }),
  );
});

test('a compressed body is refused, whole or cut', async () => {
  const gzip = Buffer.from('1f8b0800000000000003ab562a2d4e2d0200', 'hex');
  for (const bytes of [gzip, gzip.subarray(0, 9)]) {
    const headers = signed('CreateProjectVersion', bytes, { 'content-encoding': 'gzip' });
    expect(await codeOf(headers, bytes)).toBe('SerializationException');
  }
});

test.each(['1e400', '-1e400', '9'.repeat(5000), '0.'.padEnd(5000, '1'), '-0', '1E+2'])(
  'the number %.20s',
  async (number) => {
    const body = `{"Image":{"Bytes":"AAAA"},"MaxResults":${number},"MinConfidence":${number}}`;
    expect(verdicts).toContain(await codeOf(signed('DetectCustomLabels', body), body));
  },
);

const headerText = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
});

test('any text in a header', async () => {
  const header = fc.constantFrom(
    'authorization',
    'x-amz-date',
    'x-amz-target',
    'content-type',
    'host',
    'x-amz-content-sha256',
  );
  await fc.assert(
    fc.asyncProperty(header, headerText, async (header, text) => {
      const code = await codeOf({ ...signed('CreateProjectVersion', whole), [header]: text }, whole);
      expect(code).toMatch(
        /^(UnknownOperation|MissingAuthenticationToken|IncompleteSignature|InvalidSignature)Exception$/,
      );
    }),
    { numRuns: 300 },
  );
});

test('an Authorization header put together wrongly', async () => {
  const part = fc.oneof(
    headerText,
    fc.constantFrom(
      'Credential=AKIDEXAMPLE/20261120/us-east-1/rekognition/aws4_request',
      'Credential=',
      'Credential=////',
    ),
    fc.constantFrom(
      'SignedHeaders=host;x-amz-date',
      'SignedHeaders=;;',
      'SignedHeaders=__proto__;host;x-amz-date',
    ),
    fc.constantFrom('Signature=0', `Signature=${'f'.repeat(64)}`, 'Signature=é'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
      const authorization = `AWS4-HMAC-SHA256 ${parts.join(',')}`;
      const code = await codeOf({ ...signed('CreateProjectVersion', whole), authorization }, whole);
      expect(code).toMatch(/^(UnrecognizedClient|IncompleteSignature|InvalidSignature)Exception$/);
    }),
    { numRuns: 300 },
  );
});
