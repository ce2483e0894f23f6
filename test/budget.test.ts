import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeProjectVersionsCommand } from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMetadata } from '../src/vision/graph/onnx.ts';
import {
  createProject,
  createVersion,
  putColours,
  refusal,
  settled,
  startInProcess,
  Workspace,
} from './harness.ts';

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  workspace = await Workspace.create();
  await putColours(workspace, 5);
  server = await startInProcess(workspace, { OCELLUS_BUDGET: 'balanced' });
});
afterAll(async () => {
  await server.close();
  await workspace.remove();
});

test('the tag ocellus:budget has precedence over the setting', async () => {
  const project = await createProject(server.client, 'tagged');
  await createVersion(server.client, project, 'v', { Tags: { 'ocellus:budget': 'fast' } });
  expect((await settled(server.client, project, 'v')).Status).toBe('TRAINING_COMPLETED');
  const versions = join(workspace.directory, 'versions');
  const [id] = await readdir(versions);
  const file = await readFile(join(versions, id!, 'model.onnx'));
  expect(JSON.parse(readMetadata(file).ocellus!).training.budget).toBe('fast');
});

test.each(['', 'Fast', 'longest'])('a budget of "%s" is refused, and no version is made', async (value) => {
  const project = await createProject(server.client, `refused-${value}`);
  const Tags = { 'ocellus:budget': value };
  expect(await refusal(createVersion(server.client, project, 'v', { Tags }))).toEqual({
    name: 'InvalidParameterException',
    message: `The tag ocellus:budget must be one of fast, balanced, best, and not "${value}".`,
  });
  const list = await server.client.send(new DescribeProjectVersionsCommand({ ProjectArn: project }));
  expect(list.ProjectVersionDescriptions).toEqual([]);
});
