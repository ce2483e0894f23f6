import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, sign } from '../../test/signed-call.ts';
import { ServiceError } from '../operations/errors.ts';
import type { Services } from '../operations/operation.ts';
import { createProtocolServer } from './server.ts';
import type { SignedGet } from './signed-get.ts';

const ARN = 'arn:aws:rekognition:eu-west-1:111122223333:project/p/version/v/1690405809285';
const principal = {
  secretAccessKey: SECRET_ACCESS_KEY,
  arn: 'arn:aws:iam::111122223333:user/a',
  account: '111122223333',
};

/** Answers with what it was asked. */
const echo: SignedGet = {
  name: 'echo',
  async handle(resource, { headers }, { caller }) {
    if (resource === 'absent') throw new ServiceError('ResourceNotFoundException', 'It does not exist.');
    const body = JSON.stringify({ resource, accept: headers.accept, ...caller });
    return { headers: { 'content-type': 'application/json' }, body };
  },
};

let streamed: Readable;

/** Goes on until the server closes or the client goes away. */
const endless: SignedGet = {
  name: 'endless',
  async handle(_resource, { closing }) {
    streamed = new Readable({ read() {} });
    streamed.push('first\n');
    closing.addEventListener('abort', () => streamed.push(null));
    return { headers: { 'content-type': 'text/plain' }, body: streamed };
  },
};

let app: FastifyInstance;
let url: URL;

beforeEach(async () => {
  const credentials = { find: async (id: string) => (id === ACCESS_KEY_ID ? principal : undefined) };
  app = createProtocolServer({
    services: {} as Services,
    operations: [],
    credentials,
    gets: [echo, endless],
  });
  url = new URL(await app.listen({ port: 0 }));
});
afterEach(() => app.close());

const signer = new SignatureV4({
  service: 'rekognition',
  region: 'eu-west-1',
  credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
  sha256: Sha256,
});

const request = (path: string) => ({
  method: 'GET',
  protocol: 'http:',
  hostname: url.hostname,
  path,
  headers: { host: url.host, accept: 'text/x' } as Record<string, string>,
});

async function get(path: string): Promise<Response> {
  const { headers } = await signer.sign(request(path));
  return await fetch(new URL(path, url), { headers });
}

test.each([
  ['as it is', ARN],
  ['encoded', encodeURIComponent(ARN)],
])('a resource %s, signed in the header', async (_name, resource) => {
  const answer = await get(`/echo/${resource}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-amzn-requestid')).toBeTruthy();
  expect(await answer.json()).toEqual({
    resource: ARN,
    accept: 'text/x',
    arn: principal.arn,
    account: principal.account,
    region: 'eu-west-1',
  });
});

test('the path signed as it is sent, as curl 7.88 does', async () => {
  const headers = sign({
    headers: { host: url.host },
    body: '',
    instant: new Date(),
    method: 'GET',
    canonicalPath: `/echo/${ARN}`,
  });
  const answer = await fetch(new URL(`/echo/${ARN}`, url), { headers });
  expect(await answer.json()).toMatchObject({ resource: ARN });
  expect((await fetch(new URL(`/echo/${ARN}0`, url), { headers })).status).toBe(400);
});

test('a presigned address, until it expires', async () => {
  const fetchPresigned = async (signingDate: Date) => {
    const { query } = await signer.presign(
      { ...request(`/echo/${ARN}`), headers: { host: url.host } },
      { expiresIn: 60, signingDate },
    );
    const address = new URL(`/echo/${ARN}?${new URLSearchParams(query as Record<string, string>)}`, url);
    return { answer: await fetch(address), address };
  };
  const { answer, address } = await fetchPresigned(new Date());
  expect(await answer.json()).toMatchObject({ resource: ARN });
  address.pathname = '/echo/other';
  expect((await fetch(address)).status).toBe(400);
  const late = await fetchPresigned(new Date(Date.now() - 61_000));
  expect(await late.answer.json()).toMatchObject({ message: 'Request has expired' });
});

test('what is not signed, or for something else, is refused', async () => {
  const plain = await fetch(new URL(`/echo/${ARN}`, url));
  expect(plain.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
  const { headers } = await signer.sign(request('/echo/other'));
  const other = await fetch(new URL(`/echo/${ARN}`, url), { headers });
  expect(other.headers.get('x-amzn-errortype')).toBe('InvalidSignatureException');
  const s3 = sign({
    headers: { host: url.host },
    body: '',
    instant: new Date(),
    method: 'GET',
    canonicalPath: '/echo/x',
    scope: `${new Date().toISOString().slice(0, 10).replaceAll('-', '')}/us-east-1/s4/aws4_request`,
  });
  const scoped = await fetch(new URL('/echo/x', url), { headers: s3 });
  expect(scoped.headers.get('x-amzn-errortype')).toBe('InvalidSignatureException');
});

test('errors are answered as those of the API', async () => {
  const answer = await get('/echo/absent');
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    __type: 'ResourceNotFoundException',
    Message: 'It does not exist.',
  });
});

test('a stream is destroyed when the client goes away', async () => {
  const { headers } = await signer.sign(request('/endless/x'));
  const client = new AbortController();
  const answer = await fetch(new URL('/endless/x', url), { headers, signal: client.signal });
  const reader = answer.body!.getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('first\n');
  client.abort();
  if (!streamed.destroyed) await once(streamed, 'close');
  expect(streamed.destroyed).toBe(true);
});

test('a stream ends when the server closes', async () => {
  const answer = await get('/endless/x');
  const text = answer.text();
  await app.close();
  expect(await text).toBe('first\n');
});
