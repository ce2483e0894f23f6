import {
  DetectModerationLabelsCommand,
  GetMediaAnalysisJobCommand,
  ListMediaAnalysisJobsCommand,
  StartMediaAnalysisJobCommand,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusal, startInProcess, Workspace } from './harness.ts';

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

test('moderation and media analysis say that they are not supported yet', async () => {
  const { client } = server;
  const S3Object = { Bucket: 'images', Name: 'manifest' };
  const job = { OperationsConfig: {}, Input: { S3Object }, OutputConfig: { S3Bucket: 'results' } };
  const calls = [
    client.send(new DetectModerationLabelsCommand({ Image: { S3Object } })),
    client.send(new StartMediaAnalysisJobCommand(job)),
    client.send(new GetMediaAnalysisJobCommand({ JobId: 'job' })),
    client.send(new ListMediaAnalysisJobsCommand({ MaxResults: 100 })),
  ];
  for (const call of calls) {
    expect(await refusal(call)).toEqual({
      name: 'InvalidParameterException',
      message: expect.stringMatching(/ (is|are) not supported yet\.$/),
    });
  }
});

test('a page of more than 100 jobs is an invalid parameter and no broken shape', async () => {
  expect(await refusal(server.client.send(new ListMediaAnalysisJobsCommand({ MaxResults: 101 })))).toEqual({
    name: 'InvalidParameterException',
    message: 'MaxResults must not be greater than 100.',
  });
});
