import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgressReport } from '../src/training/progress-report.ts';
import {
  createProject,
  createVersion,
  describeVersion,
  KEYS,
  putColours,
  startInProcess,
  Workspace,
} from './harness.ts';
import { putBackbone } from './tiny-backbone.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

// One training, which the server interrupts by closing. The tests run in this order and build on each other.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let projectArn: string;
let versionArn: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  await putColours(workspace, 5);
  server = await startInProcess(workspace);
  projectArn = await createProject(server.client, 'colours');
});
afterAll(async () => {
  await server.close();
  await workspace.remove();
});

async function get(arn: string, headers: Record<string, string> = {}): Promise<Response> {
  const url = new URL(`/progress/${arn}`, server.url);
  const [region, credentials] = ['us-east-1', KEYS];
  const signer = new SignatureV4({ service: 'rekognition', region, credentials, sha256: Sha256 });
  const { protocol, hostname, pathname: path, host } = url;
  const request = { method: 'GET', protocol, hostname, path, headers: { host, ...headers } };
  return await fetch(url, { headers: (await signer.sign(request)).headers });
}

interface Event {
  name: string;
  data: ProgressReport;
}

/** The events of a training, until the server ends them. */
async function* follow(arn: string): AsyncGenerator<Event, void> {
  const answer = await get(arn, { accept: 'text/event-stream' });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  let rest = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const blocks = rest.split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block)!;
      yield { name: name!, data: JSON.parse(data!) };
    }
  }
  expect(rest).toBe('');
}

async function all(events: AsyncGenerator<Event, void>): Promise<Event[]> {
  const seen: Event[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

let before: ProgressReport['curve'];

test('while a training runs, its events and its StatusMessage say how far it is', async () => {
  versionArn = await createVersion(server.client, projectArn, 'v1');
  const seen: ProgressReport[] = [];
  for await (const { name, data } of follow(versionArn)) {
    expect(name).toBe('progress');
    seen.push(data);
    if (data.loss !== undefined) break;
  }
  before = seen.flatMap(({ curve }) => curve);
  expect(seen.at(-1)).toMatchObject({
    projectVersionArn: versionArn,
    status: 'TRAINING_IN_PROGRESS',
    attempt: 1,
    stage: 'training',
    imagesPerSecond: expect.any(Number),
    notes: [],
  });
  const { StatusMessage } = (await describeVersion(server.client, projectArn, 'v1'))!;
  expect(StatusMessage).toMatch(/^The model is being trained\. \(training, \d+ %(, (about )?.* left)?\)$/);
  const now = (await (await get(versionArn)).json()) as ProgressReport;
  expect(now.curve.slice(0, before.length)).toEqual(before);
});

test('events end when the server closes; the next one keeps the curve and says that the training started again', async () => {
  const events = follow(versionArn);
  await events.next();
  const rest = all(events);
  await server.close();
  for (const { name } of await rest) expect(name).toBe('progress');
  await workspace.put('images', 'train.manifest', 'prose'); // so that it is soon over
  const backbone = await putBackbone(workspace.directory, 'tiny', 1);
  server = await startInProcess(workspace, { OCELLUS_BACKBONE: backbone });
  const seen = await all(follow(versionArn));
  const curve = seen.flatMap(({ data }) => data.curve);
  expect(curve.slice(0, before.length)).toEqual(before);
  for (const { data } of seen) expect(data.attempt).toBe(2);
  expect(seen.map(({ name }) => name)).toEqual([...seen.slice(1).map(() => 'progress'), 'end']);
  const { status, statusMessage } = seen.at(-1)!.data;
  expect([status, statusMessage]).toEqual(['TRAINING_FAILED', expect.stringContaining('manifest')]);
  expect(await (await get(versionArn)).json()).toEqual({ ...seen.at(-1)!.data, curve });
});

test('a training that completes ends at 100 %, with the loss on held-out pictures', async () => {
  await putColours(workspace, 5);
  const arn = await createVersion(server.client, projectArn, 'v2');
  const seen = await all(follow(arn));
  const fractions = seen.map(({ data }) => data.fraction);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toMatchObject({
    name: 'end',
    data: {
      status: 'TRAINING_COMPLETED',
      statusMessage: 'The model is ready to run.',
      stage: 'done',
      fraction: 1,
      attempt: 1,
      validationLoss: expect.any(Number),
    },
  });
});

test('who may not ask, and what there is nothing to say of', async () => {
  expect((await fetch(new URL(`/progress/${versionArn}`, server.url))).status).toBe(400);
  const other = versionArn.replace(/\d+$/, '1');
  expect(await (await get(other)).json()).toMatchObject({ __type: 'ResourceNotFoundException' });
  const foreign = versionArn.replace('us-east-1', 'eu-west-1');
  expect(await (await get(foreign)).json()).toMatchObject({ __type: 'InvalidParameterException' });
  expect(await (await get('x')).json()).toMatchObject({ __type: 'InvalidParameterException' });
});

test('ocellus progress follows a training and tells its end', async () => {
  const run = async (...args: string[]) => {
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      // The ARN says which Region it is.
      AWS_REGION: 'eu-west-1',
    };
    const child = spawn(process.execPath, [MAIN, 'progress', ...args], { env });
    const [out, errors, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { status, out, errors };
  };
  const arn = await createVersion(server.client, projectArn, 'v3');
  const completed = await run(arn);
  expect(completed).toMatchObject({ status: 0, errors: '' });
  expect(completed.out).toMatch(/^(\w.*, \d+ %.*\n)*TRAINING_COMPLETED: The model is ready to run\.\n$/);
  const failed = await run(versionArn);
  expect(failed).toMatchObject({ status: 1, out: expect.stringMatching(/^TRAINING_FAILED: .*manifest/) });
  expect(await run(versionArn.replace(/\d+$/, '1'))).toMatchObject({
    status: 1,
    errors: expect.stringContaining('does not exist'),
  });
  expect(await run('pets')).toMatchObject({ status: 2, errors: expect.stringContaining('is not the ARN') });
});
