import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ACCESS_KEY_ID, basicDate, SECRET_ACCESS_KEY, type Signing, sign } from '../../test/signed-call.ts';
import { TEST_DATA, WITHOUT_TEST_DATA } from '../../test/test-data.ts';
import { readClaim, type SignedRequest, verifySignature } from './sigv4.ts';

const instant = new Date('2026-11-20T16:18:06Z');
const principal = {
  secretAccessKey: SECRET_ACCESS_KEY,
  arn: 'arn:aws:iam::111122223333:user/a',
  account: '1',
};
const credentials = { find: async (id: string) => (id === ACCESS_KEY_ID ? principal : undefined) };

async function verify(request: SignedRequest, body: string | Uint8Array, now = instant) {
  const claim = await readClaim(request, 'rekognition', credentials, now);
  await verifySignature(claim, request, Buffer.from(body));
  return claim;
}

const bare = { 'content-type': 'application/x-amz-json-1.1', host: '127.0.0.1:4599', 'x-amz-target': 'R.Op' };
const body = '{"ProjectName": "p"}';

function received(headers: Record<string, string>, url = '/'): SignedRequest {
  return { method: 'POST', url, rawHeaders: Object.entries(headers).flat() };
}

/** Signs, lets `change` tamper with the headers, and verifies. */
async function call(
  signing: Partial<Signing> = {},
  change: Record<string, string> = {},
  url = '/',
  now = instant,
) {
  const headers = { ...sign({ headers: bare, body, instant, ...signing }), ...change };
  return verify(received(headers, url), signing.body ?? body, now);
}

describe.skipIf(WITHOUT_TEST_DATA)('recorded requests of R paws', () => {
  const file = join(TEST_DATA, '../recorded-clients/paws-0.8.10.jsonl');
  const lines = WITHOUT_TEST_DATA ? [] : readFileSync(file, 'utf8').trim().split('\n');
  const requests = lines.map((line) => JSON.parse(line) as SignedRequest & { body: string });

  test('are five', () => expect(requests).toHaveLength(5));

  test.each(requests.map((request, index) => [index, request] as const))(
    '%i verifies as it stands',
    async (_, request) => {
      expect((await verify(request, request.body)).region).toBe('us-east-1');
    },
  );

  test.each(requests.map((request, index) => [index, request] as const))(
    '%i with another body is refused',
    async (_, request) => {
      await expect(verify(request, `${request.body} `)).rejects.toThrow('does not match');
    },
  );
});

describe('the forms in which clients sign', () => {
  test('boto3: four headers, no content hash, user agent and invocation id unsigned', async () => {
    const claim = await call(
      {},
      { 'user-agent': 'Boto3/1.43.11', 'amz-sdk-invocation-id': '1', 'amz-sdk-request': 'attempt=1' },
    );
    expect(claim.principal).toBe(principal);
  });

  test('AWS CLI: a signed security token', async () => {
    await call({ headers: { ...bare, 'x-amz-security-token': 'a/token+of=some//length' } });
  });

  test('Dart: host without port, /?, a charset, a content hash, an unsigned security token', async () => {
    const headers = {
      ...bare,
      host: 'localhost',
      'content-type': 'application/x-amz-json-1.1; charset=utf-8',
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
    };
    await call({ headers }, { 'x-amz-security-token': 'token' }, '/?');
  });

  test('JavaScript and Rust: every header of the SDK, user agent included', async () => {
    const headers = {
      ...bare,
      'content-length': String(body.length),
      'amz-sdk-invocation-id': 'dd8d2d35-0000-4000-8000-000000000000',
      'amz-sdk-request': 'attempt=1; max=3',
      'x-amz-user-agent': 'aws-sdk-js/3.1141.0',
      'user-agent': 'aws-sdk-rust/1.3.0   os/linux',
      connection: 'keep-alive',
      expect: '100-continue',
    };
    await call({ headers });
  });

  test('a base path, encoded twice in the canonical request', async () => {
    await call({ canonicalPath: '/base/a%2520b/' }, {}, '/base/a%20b/');
  });

  test('a query is part of the signature', async () => {
    await call({ canonicalQuery: 'a=1&a=2&b=%20%2B' }, {}, '/?b=%20+&a=2&a=1');
    await expect(call({}, {}, '/?a=1')).rejects.toThrow('does not match');
  });

  test('a Date header in place of X-Amz-Date, in either form', async () => {
    await call({ dateHeader: 'date' });
    const request = received({
      ...sign({ headers: bare, body, instant, dateHeader: 'date' }),
      date: instant.toUTCString(),
    });
    const claim = await readClaim(request, 'rekognition', credentials, instant);
    expect(claim.timestamp).toBe('20261120T161806Z');
  });

  test('no spaces after the commas of Authorization, header names in capitals', async () => {
    const { authorization, ...headers } = sign({ headers: bare, body, instant });
    const capitals = Object.entries(headers).flatMap(([name, value]) => [name.toUpperCase(), value]);
    const rawHeaders = [...capitals, 'AUTHORIZATION', authorization!.replaceAll(', ', ',')];
    await verify({ method: 'POST', url: '/', rawHeaders }, body);
  });

  test('a repeated header is joined by a comma', async () => {
    const headers = sign({ headers: { ...bare, 'x-amz-meta': 'a,b' }, body, instant });
    const { 'x-amz-meta': _, ...rest } = headers;
    const rawHeaders = [...Object.entries(rest).flat(), 'x-amz-meta', ' a', 'X-Amz-Meta', 'b '];
    await verify({ method: 'POST', url: '/', rawHeaders }, body);
  });

  test('any Region', async () => {
    const scope = '20261120/mars-north-1/rekognition/aws4_request';
    expect((await call({ scope })).region).toBe('mars-north-1');
  });
});

describe('refusals', () => {
  const at = (minutes: number, seconds = 0) =>
    new Date(instant.getTime() + minutes * 60_000 + seconds * 1000);
  const refused = (promise: Promise<unknown>, code: string, message: string) =>
    expect(promise).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  const mismatch = [
    'InvalidSignatureException',
    'The request signature we calculated does not match',
  ] as const;

  test('no Authorization header', async () => {
    await refused(
      verify(received(bare), body),
      'MissingAuthenticationTokenException',
      'Request is missing Authentication Token',
    );
  });

  test.each([
    ['Basic dXNlcjpwYXNz', "'Credential' parameter. Authorization header requires 'Signature'"],
    ['AWS4-HMAC-SHA256', "Authorization header requires 'SignedHeaders' parameter. "],
    [
      'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host',
      "requires 'Signature' parameter. Authorization=AWS4",
    ],
    [
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, SignedHeaders=host, Signature=0',
      'at least 5 slash-delimited',
    ],
    [
      'AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0',
      "Unsupported AWS 'algorithm'",
    ],
  ])('an incomplete one: %s', async (authorization, message) => {
    await refused(call({}, { authorization }), 'IncompleteSignatureException', message);
  });

  test('no date, or none that can be read', async () => {
    const { 'x-amz-date': _, ...headers } = sign({ headers: bare, body, instant });
    await refused(
      verify(received(headers), body),
      'IncompleteSignatureException',
      "either a 'X-Amz-Date' or a 'Date' header",
    );
    for (const date of ['yesterday', '20261399T000000Z', '2026-11-20T16:18:06Z']) {
      await refused(call({}, { 'x-amz-date': date }), 'IncompleteSignatureException', `Got '${date}'`);
    }
  });

  test('a host or date that was not signed', async () => {
    const { host, ...hostless } = bare;
    await refused(
      call({ headers: hostless }, { host }),
      'InvalidSignatureException',
      "'host' must be a 'SignedHeader'",
    );
    const dateless = received({
      ...sign({ headers: bare, body, instant, dateHeader: 'date' }),
      'x-amz-date': basicDate(instant),
    });
    await refused(
      verify(dateless, body),
      'InvalidSignatureException',
      "'x-amz-date' must be a 'SignedHeader'",
    );
  });

  test('an unknown access key, before everything about the scope', async () => {
    const scope = 'nonsense/us-east-1/s3/x';
    await refused(
      call({ accessKeyId: 'AKIDOTHER', scope }),
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  });

  test.each([
    [
      '20261120/US EAST/rekognition/aws4_request',
      "Credential should be scoped to a valid Region, not 'US EAST'. ",
    ],
    ['20261120/us-east-1/s3/aws4_request', "Credential should be scoped to correct service: 'rekognition'. "],
    ['20261120/us-east-1/rekognition/aws5_request', 'valid terminator'],
    ['20261119/us-east-1/rekognition/aws4_request', "'20261119' != '20261120', from '20261120T161806Z'."],
  ])('the scope %s', async (scope, message) => {
    await refused(call({ scope }), 'InvalidSignatureException', message);
  });

  test('five minutes either way are accepted, a second more is not', async () => {
    await call({}, {}, '/', at(5));
    await call({}, {}, '/', at(-5));
    await refused(
      call({}, {}, '/', at(5, 1)),
      'InvalidSignatureException',
      'Signature expired: 20261120T161806Z is now earlier than 20261120T161807Z (20261120T162307Z - 5 min.)',
    );
    await refused(
      call({}, {}, '/', at(-5, -1)),
      'InvalidSignatureException',
      'Signature not yet current: 20261120T161806Z is still later than 20261120T161805Z (20261120T161305Z + 5 min.)',
    );
  });

  test('a wrong secret, and every signed header changed', async () => {
    await refused(call({ secretAccessKey: 'other' }), ...mismatch);
    for (const name of Object.keys(bare)) await refused(call({}, { [name]: 'other' }), ...mismatch);
  });

  test('another method or path', async () => {
    const request = received(sign({ headers: bare, body, instant }));
    await refused(verify({ ...request, method: 'PUT' }, body), ...mismatch);
    await refused(verify({ ...request, url: '/other' }, body), ...mismatch);
  });

  test('a signed header that is absent', async () => {
    const { 'x-amz-target': _, ...headers } = sign({ headers: bare, body, instant });
    await refused(verify(received(headers), body), ...mismatch);
  });

  test.each(['0'.repeat(64), 'UNSIGNED-PAYLOAD', 'x'])('the content hash %s, signed or not', async (hash) => {
    await refused(call({ headers: { ...bare, 'x-amz-content-sha256': hash } }), ...mismatch);
    await refused(call({}, { 'x-amz-content-sha256': hash }), ...mismatch);
  });
});
