import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { putColours, startInProcess, until, Workspace } from '../../harness.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, sign } from '../../signed-call.ts';
import { type RawRequest, rawCall } from '../raw-call.ts';
import { readAnswer, readCondition } from './answer.ts';

// Requests recorded from R paws 0.8.10, replayed at the time at which they were signed. Their project was made at
// 1690474772815, the number in its ARN, so the clock stands there first.

const MADE_AT = new Date(1690474772815);
const SIGNED_AT = new Date('2026-11-20T16:18:06Z');
const PROJECT = 'arn:aws:rekognition:us-east-1:111122223333:project/my-project/1690474772815';

interface Recorded {
  method: string;
  url: string;
  rawHeaders: string[];
  body: string;
}

const folder = join(process.env.OCELLUS_TEST_DATA ?? '../shared/data', '../recorded-clients');
const recorded = readFileSync(join(folder, 'paws-0.8.10.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line): RawRequest => {
    const { url: path, ...request } = JSON.parse(line) as Recorded;
    return { ...request, path };
  });

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: MADE_AT });
  workspace = await Workspace.create();
  await putColours(workspace);
  await workspace.put('output_bucket', 'readme.txt', 'for the results of the documented example');
  server = await startInProcess(workspace, {
    OCELLUS_ACCOUNT_ID: '111122223333',
    OCELLUS_ACCESS_KEY_ID: ACCESS_KEY_ID,
    OCELLUS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
  });
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
  vi.useRealTimers();
});

/** Calls in the way of paws: compact JSON, these five headers signed, in this order. */
async function call(operation: string, input: object) {
  const body = JSON.stringify(input);
  const headers = {
    'content-length': String(Buffer.byteLength(body)),
    'content-type': 'application/x-amz-json-1.1',
    host: new URL(server.url).host,
    'x-amz-target': `RekognitionService.${operation}`,
  };
  const signed = sign({ headers, body, instant: new Date() });
  const rawHeaders = [
    'Accept',
    '*/*',
    'Accept-Encoding',
    'deflate, gzip, br, zstd',
    ...Object.entries(signed).flat(),
  ];
  return await rawCall(server.url, { method: 'POST', path: '/', rawHeaders, body });
}

const answer = async (operation: string, input: object) =>
  readAnswer(operation, await call(operation, input));
const condition = async (operation: string, input: object) =>
  readCondition(operation, await call(operation, input));
const replay = async (index: number) => await rawCall(server.url, recorded[index]!);
const badRequest = ['paws_error', 'http_400'];

test('a project with a data set is made, as the recorded calls expect it', async () => {
  expect(await answer('CreateProject', { ProjectName: 'my-project' })).toEqual({ ProjectArn: PROJECT });
  const GroundTruthManifest = { S3Object: { Bucket: 'images', Name: 'train.manifest' } };
  const input = { DatasetSource: { GroundTruthManifest }, DatasetType: 'TRAIN', ProjectArn: PROJECT };
  const { DatasetArn } = await answer('CreateDataset', input);
  await until(async () => {
    const { DatasetDescription } = await answer('DescribeDataset', { DatasetArn });
    return DatasetDescription.Status === 'CREATE_COMPLETE';
  });
  const { DatasetEntries, NextToken } = await answer('ListDatasetEntries', { DatasetArn, MaxResults: 100 });
  expect(DatasetEntries).toHaveLength(20);
  expect(NextToken).toEqual([]);
});

test('the recorded calls are answered as R reads answers', async () => {
  vi.setSystemTime(SIGNED_AT);
  expect(recorded).toHaveLength(5);
  // The documented example.
  const { ProjectVersionArn } = readAnswer('CreateProjectVersion', await replay(0));
  expect(ProjectVersionArn).toMatch(/:project\/my-project\/version\/1\/\d{13}$/);
  // Every member of CreateProjectVersion; its bucket has one letter, which the API forbids.
  const short = readCondition('CreateProjectVersion', await replay(1));
  expect(short).toMatchObject({ class: badRequest, code: 'ValidationException' });
  expect(short.message).toContain("'trainingData.assets.1.member.groundTruthManifest.s3Object.bucket'");
  const everything = String(recorded[1]!.body).replace('"b"', '"images"');
  expect(await condition('CreateProjectVersion', JSON.parse(everything))).toEqual({
    class: badRequest,
    code: 'InvalidParameterException',
    message: 'KmsKeyId is not supported yet.',
  });
  const { ProjectVersionDescriptions, NextToken } = readAnswer('DescribeProjectVersions', await replay(2));
  expect(ProjectVersionDescriptions).toHaveLength(1);
  expect(ProjectVersionDescriptions[0]).toMatchObject({
    ProjectVersionArn,
    Status: 'TRAINING_IN_PROGRESS',
    // Absent members are there, and empty.
    EvaluationResult: { F1Score: [], Summary: { S3Object: { Bucket: [], Name: [], Version: [] } } },
    TrainingEndTimestamp: [],
    KmsKeyId: [],
  });
  expect(NextToken).toEqual([]);
  expect(readCondition('DetectCustomLabels', await replay(3))).toMatchObject({
    class: badRequest,
    code: 'ResourceNotFoundException',
  });
  const { ProjectArn } = readAnswer('CreateProject', await replay(4));
  expect(ProjectArn).toMatch(/:project\/p\/\d{13}$/);
  // Sent again, as after an answer that was lost.
  expect(readCondition('CreateProjectVersion', await replay(0)).code).toBe('ResourceInUseException');
  expect(readCondition('CreateProject', await replay(4)).code).toBe('ResourceInUseException');
});

test('what paws leaves out or empties is refused with the reason', async () => {
  // create_project_version(ProjectArn="", VersionName="", OutputConfig=list(), TestingData=list(Assets=list()))
  const empty = await condition('CreateProjectVersion', { ProjectArn: '', VersionName: '' });
  expect(empty).toMatchObject({ class: badRequest, code: 'ValidationException' });
  for (const name of ['projectArn', 'versionName', 'outputConfig'])
    expect(empty.message).toContain(`'${name}'`);
  expect((await condition('CreateProjectVersion', {})).code).toBe('ValidationException');
  const { ProjectDescriptions } = await answer('DescribeProjects', { ProjectNames: ['my-project'] });
  const [{ DatasetArn }] = ProjectDescriptions[0].Datasets;
  // A character string in place of a raw vector becomes an empty text.
  const update = { DatasetArn, Changes: { GroundTruth: '' } };
  expect((await condition('UpdateDatasetEntries', update)).code).toBe('ValidationException');
});

test('pages and errors of the life of a model', async () => {
  await answer('CreateProject', { ProjectName: 'q' });
  const names: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await answer('DescribeProjects', { MaxResults: 1, ...(NextToken && { NextToken }) });
    names.push(
      ...page.ProjectDescriptions.map((project: { ProjectArn: string }) => project.ProjectArn.split('/')[1]),
    );
    NextToken = page.NextToken.length === 0 ? undefined : page.NextToken;
  } while (NextToken);
  expect(names.sort()).toEqual(['my-project', 'p', 'q']);
  const [version] = (await answer('DescribeProjectVersions', { ProjectArn: PROJECT }))
    .ProjectVersionDescriptions;
  const foreign = (arn: string) => arn.replace('111122223333', '999999999999');
  const copying = {
    SourceProjectArn: foreign(PROJECT),
    SourceProjectVersionArn: foreign(version.ProjectVersionArn),
    DestinationProjectArn: PROJECT,
    VersionName: 'copy',
    OutputConfig: { S3Bucket: 'results' },
  };
  expect((await condition('CopyProjectVersion', copying)).code).toBe('AccessDeniedException');
  const PolicyDocument = JSON.stringify({
    Statement: { Effect: 'Allow', Principal: '*', Action: 'rekognition:CopyProjectVersion', Resource: '*' },
  });
  const put = (PolicyName: string) => ({ ProjectArn: PROJECT, PolicyName, PolicyDocument });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await answer('PutProjectPolicy', put(name));
  expect((await condition('PutProjectPolicy', put('f'))).code).toBe('LimitExceededException');
  const { PolicyRevisionId } = (await answer('ListProjectPolicies', { ProjectArn: PROJECT }))
    .ProjectPolicies[0];
  expect(PolicyRevisionId).toMatch(/^[\da-f]+$/i);
  // A number of 70 comes without a fraction.
  const manifest = { GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'train.manifest' } } };
  const moderated = await condition('CreateProjectVersion', {
    ProjectArn: PROJECT,
    VersionName: 'm',
    OutputConfig: { S3Bucket: 'results' },
    TrainingData: { Assets: [manifest] },
    FeatureConfig: { ContentModeration: { ConfidenceThreshold: 70 } },
  });
  expect(moderated.code).toBe('InvalidParameterException');
});
