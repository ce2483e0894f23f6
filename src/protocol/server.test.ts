import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import {
  CreateProjectCommand,
  DescribeProjectVersionsCommand,
  DetectCustomLabelsCommand,
  RekognitionClient,
  StopProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, sign } from '../../test/signed-call.ts';
import { createLogger } from '../logger.ts';
import { ServiceError } from '../operations/errors.ts';
import { defineOperation, type Services } from '../operations/operation.ts';
import * as shapes from '../operations/shapes.ts';
import { createProtocolServer, type ProtocolOptions } from './server.ts';

const versionArn = 'arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1690405809285';
const projectArn = 'arn:aws:rekognition:us-east-1:111122223333:project/p/1690405809285';

// Small operations that answer from what they are given; the real ones have their own tests.
const operations = [
  defineOperation({
    name: 'CreateProject',
    input: z.object({
      ProjectName: shapes.ProjectName,
      Feature: shapes.Feature.optional(),
      AutoUpdate: shapes.AutoUpdate.optional(),
      Tags: shapes.Tags.optional(),
    }),
    handle: async ({ ProjectName }, { caller }) => {
      if (ProjectName === 'taken')
        throw new ServiceError('ResourceInUseException', 'A project has this name.');
      if (ProjectName === 'broken') throw new TypeError('secret detail');
      if (ProjectName === 'slow-down') throw new ServiceError('ThrottlingException', 'Service Unavailable');
      return {
        ProjectArn: `arn:aws:rekognition:${caller.region}:${caller.account}:project/${ProjectName}/1`,
      };
    },
  }),
  defineOperation({
    name: 'DescribeProjectVersions',
    input: z.object({
      ProjectArn: shapes.ProjectArn,
      VersionNames: shapes.VersionNames.optional(),
      NextToken: shapes.PageToken.optional(),
      MaxResults: shapes.PageSize.optional(),
    }),
    handle: async ({ ProjectArn }) => ({
      ProjectVersionDescriptions: [
        {
          ProjectVersionArn: ProjectArn,
          CreationTimestamp: new Date(1690405809285),
          BillableTrainingTimeInSeconds: 1899,
          EvaluationResult: { F1Score: 1 },
        },
      ],
      NextToken: undefined,
    }),
  }),
  defineOperation({
    name: 'DetectCustomLabels',
    input: z.object({
      ProjectVersionArn: shapes.ProjectVersionArn,
      Image: shapes.Image,
      MaxResults: shapes.MaxLabels.optional(),
      MinConfidence: shapes.Percent.optional(),
    }),
    handle: async ({ Image }) => ({ CustomLabels: [{ Name: String(Image.Bytes?.length), Confidence: 100 }] }),
  }),
];

const principal = {
  secretAccessKey: SECRET_ACCESS_KEY,
  arn: 'arn:aws:iam::111122223333:user/a',
  account: '111122223333',
};
const credentials = { find: async (id: string) => (id === ACCESS_KEY_ID ? principal : undefined) };

const newServer = (options: Partial<ProtocolOptions> = {}) =>
  createProtocolServer({ services: {} as Services, operations, credentials, ...options });

let app: FastifyInstance;
let url: string;

beforeAll(async () => {
  app = newServer();
  url = await app.listen({ port: 0 });
});
afterAll(() => app.close());

function signedHeaders(target: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  return sign({
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      host: new URL(url).host,
      'x-amz-target': target,
      ...headers,
    },
    body,
    instant: new Date(),
  });
}

const jsonOf = async (response: Response) => (await response.json()) as Record<string, string>;

async function post(
  target: string,
  body: string | Uint8Array,
  path = '/',
  headers: Record<string, string> = {},
) {
  return fetch(url + path, {
    method: 'POST',
    body,
    headers: signedHeaders(`RekognitionService.${target}`, body, headers),
  });
}

describe('the SDK', () => {
  const client = (more: object = {}) =>
    new RekognitionClient({
      endpoint: url,
      region: 'eu-west-1',
      maxAttempts: 1,
      credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
      ...more,
    });

  test('calls, with the Region of its signature', async () => {
    const { ProjectArn, $metadata } = await client().send(
      new CreateProjectCommand({ ProjectName: 'p', Tags: {} }),
    );
    expect(ProjectArn).toBe('arn:aws:rekognition:eu-west-1:111122223333:project/p/1');
    expect($metadata.requestId).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/);
  });

  test('calls at a base path and with a session token', async () => {
    const temporary = {
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: SECRET_ACCESS_KEY,
      sessionToken: 'token',
    };
    const based = client({ endpoint: `${url}/base/path`, credentials: temporary });
    expect(await based.send(new CreateProjectCommand({ ProjectName: 'p' }))).toHaveProperty('ProjectArn');
  });

  test('reads timestamps and numbers', async () => {
    const { ProjectVersionDescriptions } = await client().send(
      new DescribeProjectVersionsCommand({ ProjectArn: projectArn }),
    );
    expect(ProjectVersionDescriptions?.[0]).toMatchObject({
      CreationTimestamp: new Date(1690405809285),
      BillableTrainingTimeInSeconds: 1899,
      EvaluationResult: { F1Score: 1 },
    });
  });

  test('sends an image of 5 MiB, and is told that one of 8 MB is too large', async () => {
    const detect = (size: number) =>
      client().send(
        new DetectCustomLabelsCommand({
          ProjectVersionArn: versionArn,
          Image: { Bytes: new Uint8Array(size) },
        }),
      );
    expect((await detect(5 * 1024 * 1024)).CustomLabels).toEqual([{ Name: '5242880', Confidence: 100 }]);
    await expect(detect(8_000_000)).rejects.toMatchObject({
      name: 'RequestEntityTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
  });

  test('sees modelled errors and validation errors', async () => {
    const taken = client().send(new CreateProjectCommand({ ProjectName: 'taken' }));
    await expect(taken).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message: 'A project has this name.',
    });
    await expect(client().send(new DescribeProjectVersionsCommand({} as never))).rejects.toMatchObject({
      name: 'ValidationException',
      message:
        "1 validation error detected: Value null at 'projectArn' failed to satisfy constraint: Member must not be null",
    });
  });

  test('is refused with another secret, an unknown key, an operation that is not there', async () => {
    const other = (accessKeyId: string) => client({ credentials: { accessKeyId, secretAccessKey: 'x' } });
    const create = new CreateProjectCommand({ ProjectName: 'p' });
    await expect(other(ACCESS_KEY_ID).send(create)).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
    await expect(other('AKIDOTHER').send(create)).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
    const stop = client().send(new StopProjectVersionCommand({ ProjectVersionArn: versionArn }));
    await expect(stop).rejects.toMatchObject({
      name: 'UnknownOperationException',
      $metadata: { httpStatusCode: 400 },
    });
  });
});

describe('the answer', () => {
  test('has the documented headers, and floats with a fraction', async () => {
    const response = await post('DescribeProjectVersions', JSON.stringify({ ProjectArn: projectArn }));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-amz-json-1.1');
    expect(response.headers.get('date')).toMatch(/GMT$/);
    expect(await response.text()).toContain(
      '"CreationTimestamp":1690405809.285,"BillableTrainingTimeInSeconds":1899,"EvaluationResult":{"F1Score":1.0}}]}',
    );
  });

  test('a modelled error has Code, Logref and Message', async () => {
    const response = await post('CreateProject', '{"ProjectName":"taken"}');
    const body = await jsonOf(response);
    expect(response.status).toBe(400);
    expect(response.headers.get('x-amzn-errortype')).toBe('ResourceInUseException');
    expect(body).toEqual({
      __type: 'ResourceInUseException',
      Code: 'ResourceInUseException',
      Logref: expect.stringMatching(/^[\da-f-]{36}$/),
      Message: 'A project has this name.',
    });
    expect(body.Logref).not.toBe(response.headers.get('x-amzn-requestid'));
  });

  test('a framework error has only message', async () => {
    const response = await post('CreateProject', '{"ProjectName":"taken"');
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toEqual({
      __type: 'SerializationException',
      message: expect.stringContaining('no JSON'),
    });
  });

  test('throttling is a server fault', async () => {
    const response = await post('CreateProject', '{"ProjectName":"slow-down"}');
    expect([response.status, (await jsonOf(response)).__type]).toEqual([500, 'ThrottlingException']);
  });

  test('what nobody foresaw tells nothing to the client and everything to the log', async () => {
    const lines: string[] = [];
    const logged = newServer({ logger: createLogger((line) => lines.push(line)) });
    const body = '{"ProjectName":"broken"}';
    const headers = signedHeaders('RekognitionService.CreateProject', body, { 'user-agent': 'Boto3/1' });
    const response = await logged.inject({ method: 'POST', url: '/', headers, payload: body });
    await logged.close();
    expect([response.statusCode, response.body]).toEqual([500, '{"__type":"InternalFailure"}']);
    const requestId = `requestId=${response.headers['x-amzn-requestid']}`;
    const [error, call] = lines;
    expect(error).toMatch(/ error .*[\s\S]*TypeError: secret detail\n +at /);
    expect(error).toContain(requestId);
    expect(call).toMatch(/ info CreateProject 500 InternalFailure \d+ ms .*agent=Boto3\/1/);
    expect(call).toContain(requestId);
    expect(lines).toHaveLength(2);
  });
});

describe('the request', () => {
  const body = '{"ProjectName":"p"}';

  test.each(['/', '/?', '/base', '/base/path/', `/${'long'.repeat(200)}`])('%s is the API', async (path) => {
    const canonicalPath = path.replace('?', '');
    const headers = {
      'content-type': 'application/x-amz-json-1.1; charset=utf-8',
      host: new URL(url).hostname,
      'x-amz-target': 'RekognitionService.CreateProject',
    };
    const signed = sign({ headers, body, instant: new Date(), canonicalPath });
    const response = await app.inject({ method: 'POST', url: path, headers: signed, payload: body });
    expect(response.statusCode).toBe(200);
  });

  test.each([
    'application/x-amz-json-1.1;',
    'APPLICATION/X-AMZ-JSON-1.1; charset=',
    'application/x-amz-json-1.1; a; b=;',
  ])('the content type %s will do', async (type) => {
    const headers = signedHeaders('RekognitionService.CreateProject', body, { 'content-type': type });
    const response = await app.inject({ method: 'POST', url: '/', headers, payload: body });
    expect(response.statusCode).toBe(200);
  });

  test('an empty body is an empty object', async () => {
    const response = await post('CreateProject', '');
    expect((await jsonOf(response)).message).toContain("Value null at 'projectName'");
  });

  test('chunked transfer encoding', async () => {
    const headers = signedHeaders('RekognitionService.CreateProject', body);
    const stream = new Blob([body]).stream();
    const response = await fetch(url, {
      method: 'POST',
      body: stream,
      headers,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(200);
  });

  test('chunks without end stop at the limit', async () => {
    const headers = signedHeaders('RekognitionService.CreateProject', body);
    const stream = new Blob([new Uint8Array(10 * 1024 * 1024 + 1)]).stream();
    const response = await fetch(url, {
      method: 'POST',
      body: stream,
      headers,
      duplex: 'half',
    } as RequestInit);
    expect([response.status, await response.text()]).toEqual([
      413,
      '{"__type":"RequestEntityTooLargeException"}',
    ]);
  });

  test.each([
    ['RekognitionService.createProject'],
    ['Rekognition.CreateProject'],
    ['RekognitionService.'],
    ['RekognitionService.__proto__'],
    [''],
  ])('the target %j is no operation', async (target) => {
    const headers = signedHeaders(target, body);
    const response = await app.inject({ method: 'POST', url: '/', headers, payload: body });
    expect([response.statusCode, response.json()]).toEqual([400, { __type: 'UnknownOperationException' }]);
  });

  test.each([undefined, 'application/json', 'application/x-amz-json-1.0', 'text/plain'])(
    'neither is content type %s',
    async (type) => {
      const { 'content-type': _, ...headers } = signedHeaders('RekognitionService.CreateProject', body);
      const typed = type ? { ...headers, 'content-type': type } : headers;
      const response = await app.inject({ method: 'POST', url: '/', headers: typed, payload: body });
      expect([response.statusCode, response.json().__type]).toEqual([400, 'UnknownOperationException']);
    },
  );

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'] as const)('nor is %s', async (method) => {
    const response = await app.inject({ method, url: '/anything' });
    expect([response.statusCode, response.json().__type]).toEqual([404, 'UnknownOperationException']);
    expect(response.headers['x-amzn-requestid']).toBeDefined();
  });

  test('a stranger is refused before the body is read', async () => {
    const huge = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'RekognitionService.CreateProject',
    };
    const response = await fetch(url, { method: 'POST', headers: huge, body: new Uint8Array(12_000_000) });
    expect([response.status, (await jsonOf(response)).__type]).toEqual([
      400,
      'MissingAuthenticationTokenException',
    ]);
  });

  test('the clock of the server decides', async () => {
    const late = newServer({ now: () => new Date(Date.now() + 600_000) });
    const headers = signedHeaders('RekognitionService.CreateProject', body);
    const response = await late.inject({ method: 'POST', url: '/', headers, payload: body });
    await late.close();
    expect(response.json().message).toMatch(/^Signature expired: /);
    expect(response.headers.date).toBeDefined();
  });
});

test('browsers may ask and read the answer', async () => {
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/',
    headers: { origin: 'http://localhost:3000' },
  });
  expect(preflight.statusCode).toBe(200);
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': expect.stringContaining(
      'authorization, content-type, x-amz-content-sha256',
    ),
    'access-control-expose-headers': 'x-amzn-RequestId, x-amzn-ErrorType, Date',
  });
  const call = await app.inject({ method: 'POST', url: '/', headers: { origin: 'http://localhost:3000' } });
  expect(call.headers['access-control-allow-origin']).toBe('*');
  const plain = await app.inject({ method: 'POST', url: '/' });
  expect(plain.headers['access-control-allow-origin']).toBeUndefined();
});

describe('the socket', () => {
  /** Sends bytes, leaves the connection open, returns what comes back until the server ends it. */
  async function exchange(port: number, bytes: string): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.write(bytes);
    await once(socket, 'end');
    socket.destroy();
    return Buffer.concat(chunks).toString();
  }

  test('what is not HTTP', async () => {
    const answer = await exchange(Number(new URL(url).port), 'nonsense\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*\{"__type":"MalformedHttpRequestException"\}$/);
  });

  test('a path that cannot be decoded', async () => {
    const answer = await exchange(
      Number(new URL(url).port),
      'POST /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"__type":"MalformedHttpRequestException"/);
  });

  test('a sender that never finishes', async () => {
    const impatient = newServer({ requestTimeout: 200 });
    await impatient.listen({ port: 0, host: '127.0.0.1' });
    const { port } = impatient.server.address() as { port: number };
    const answer = await exchange(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n');
    await impatient.close();
    expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*\{"__type":"RequestTimeoutException"\}$/);
  });

  test('a connection outlasts the minute that clients may wait between two calls, and does not keep the server open', async () => {
    const kept = newServer({});
    const address = await kept.listen({ port: 0 });
    const body = '{"ProjectName":"p"}';
    const headers = signedHeaders('RekognitionService.CreateProject', body, { host: new URL(address).host });
    const response = await fetch(address, { method: 'POST', body, headers });
    await response.text();
    const [, seconds] = /^timeout=(\d+)$/.exec(response.headers.get('keep-alive')!)!;
    expect(Number(seconds)).toBeGreaterThan(60);
    await kept.close();
  });

  test('closing waits for an answer that has begun, and not for its connection', {
    timeout: 30_000,
  }, async () => {
    const finish = Promise.withResolvers<void>();
    const handle = async (_: IncomingMessage, response: ServerResponse) => {
      response.write('begun');
      await finish.promise;
      response.end(', ended');
    };
    const closing = newServer({ beside: { isMine: () => true, handle } });
    const response = await fetch(await closing.listen({ port: 0 }));
    const closed = closing.close();
    await vi.waitFor(() => expect(closing.server.listening).toBe(false));
    finish.resolve();
    expect(await response.text()).toBe('begun, ended');
    await closed;
  });

  test('closing waits for the calls under way', async () => {
    const entered = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const waiting = {
      ...operations[0]!,
      handle: async () => {
        entered.resolve();
        await finish.promise;
        return {};
      },
    };
    const closing = newServer({ operations: [waiting] });
    const address = await closing.listen({ port: 0 });
    const body = '{"ProjectName":"p"}';
    const headers = signedHeaders('RekognitionService.CreateProject', body, { host: new URL(address).host });
    const response = fetch(address, { method: 'POST', body, headers });
    await entered.promise;
    const closed = closing.close();
    finish.resolve();
    expect(await (await response).text()).toBe('{}');
    await closed;
  });
});
