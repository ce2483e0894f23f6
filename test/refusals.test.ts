import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PutProjectPolicyCommand, type RekognitionClient } from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createProject,
  createVersion,
  KEYS,
  refusal,
  settled,
  startInProcess,
  Workspace,
} from './harness.ts';
import { type Signing, sign } from './signed-call.ts';

// The order in which a request is refused (src/protocol/server.ts): a request with everything wrong with it is mended
// one fault after the other, and is refused for the next one each time.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace, { OCELLUS_MAX_VERSIONS: '1' });
  client = server.client;
  await workspace.put('images', 'train.manifest', '');
  await mkdir(join(workspace.directory, 'buckets/results'), { recursive: true });
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

interface Attempt {
  target: string;
  body: string;
  /** Goes before the signing. */
  signing?: Partial<Signing>;
  /** Goes into the request after the signing. */
  headers?: Record<string, string | undefined>;
}

async function codeOf({ target, body, signing, headers = {} }: Attempt): Promise<string> {
  const signed = sign({
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      host: new URL(server.url).host,
      'x-amz-target': `RekognitionService.${target}`,
    },
    body,
    instant: new Date(),
    ...KEYS,
    ...signing,
  });
  const sent = Object.entries({ ...signed, ...headers }).filter(
    (entry): entry is [string, string] => !!entry[1],
  );
  const response = await fetch(server.url, { method: 'POST', headers: sent, body });
  return ((await response.json()) as { __type: string }).__type;
}

test('a request with everything wrong is refused for one fault after the other', async () => {
  const projectArn = await createProject(client, 'full');
  await createVersion(client, projectArn, 'v1');
  await settled(client, projectArn, 'v1');
  const absent = projectArn.replace(/\d+$/, '1');

  const target = 'CreateProjectVersion';
  const tooLarge = ' '.repeat(10 * 1024 * 1024 + 1);
  const input = (change: object) =>
    JSON.stringify({
      ProjectArn: absent,
      VersionName: 'v1',
      OutputConfig: { S3Bucket: 'results' },
      TrainingData: { Assets: [{ GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'm' } } }] },
      TestingData: { AutoCreate: true },
      ...change,
    });
  const unknownKey = { accessKeyId: 'AKIAUNKNOWN' };
  const wrongKey = { secretAccessKey: 'wrong' };
  const wrongScope = { ...wrongKey, scope: '20200101/us-east-1/iam/aws4_request' };
  const half = 'AWS4-HMAC-SHA256 Credential=x';

  const attempts: [Attempt, string][] = [
    [
      { target: 'Nothing', body: tooLarge, headers: { authorization: undefined } },
      'UnknownOperationException',
    ],
    [
      { target, body: tooLarge, headers: { authorization: undefined } },
      'MissingAuthenticationTokenException',
    ],
    [{ target, body: tooLarge, headers: { authorization: half } }, 'IncompleteSignatureException'],
    [{ target, body: tooLarge, signing: { ...wrongScope, ...unknownKey } }, 'UnrecognizedClientException'],
    [{ target, body: tooLarge, signing: wrongScope }, 'InvalidSignatureException'],
    [{ target, body: tooLarge, signing: wrongKey }, 'RequestEntityTooLargeException'],
    [{ target, body: '{', signing: wrongKey }, 'InvalidSignatureException'],
    [{ target, body: '{' }, 'SerializationException'],
    [{ target, body: input({ VersionName: 1, KmsKeyId: '', Tags: { '': '' } }) }, 'SerializationException'],
    [{ target, body: input({ KmsKeyId: '' }) }, 'ValidationException'],
    [{ target, body: input({ KmsKeyId: 'key' }) }, 'InvalidParameterException'],
    [{ target, body: input({ OutputConfig: {} }) }, 'InvalidParameterException'],
    [{ target, body: input({}) }, 'ResourceNotFoundException'],
    [{ target, body: input({ ProjectArn: projectArn }) }, 'ResourceInUseException'],
    [{ target, body: input({ ProjectArn: projectArn, VersionName: 'v2' }) }, 'LimitExceededException'],
  ];
  for (const [index, [attempt, code]] of attempts.entries()) {
    expect([index, await codeOf(attempt)]).toEqual([index, code]);
  }
});

test('quotas are settings', async () => {
  const small = await Workspace.create();
  const settings = { OCELLUS_MAX_PROJECTS: '1', OCELLUS_MAX_POLICIES: '1' };
  const other = await startInProcess(small, settings);
  const PolicyDocument =
    '{"Statement":{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"}}';
  const put = (ProjectArn: string, PolicyName: string) =>
    other.client.send(new PutProjectPolicyCommand({ ProjectArn, PolicyName, PolicyDocument }));
  try {
    const projectArn = await createProject(other.client, 'a');
    expect((await refusal(createProject(other.client, 'b'))).name).toBe('LimitExceededException');
    await put(projectArn, 'a');
    expect((await refusal(put(projectArn, 'b'))).name).toBe('LimitExceededException');
  } finally {
    await other.close();
    await small.remove();
  }
});
