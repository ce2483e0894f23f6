import {
  CreateDatasetCommand,
  CreateProjectCommand,
  DeleteDatasetCommand,
  DeleteProjectCommand,
  DeleteProjectVersionCommand,
  ListTagsForResourceCommand,
  type RekognitionClient,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVersion, refusal, settled, startInProcess, Workspace } from './harness.ts';

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;
const Tags = { Dept: 'Engineering', 'a/b:c=d+e-f@g_h.i': '', Größe: 'groß' };
let projectArn: string;
let versionArn: string;
let datasetArn: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
  client = server.client;
  await workspace.put('images', 'train.manifest', '');
  await workspace.put('results', 'readme.txt', 'a bucket for results');
  const project = await client.send(new CreateProjectCommand({ ProjectName: 'tagged', Tags }));
  projectArn = project.ProjectArn!;
  versionArn = await createVersion(client, projectArn, 'v1', { Tags });
  await settled(client, projectArn, 'v1');
  const dataset = { ProjectArn: projectArn, DatasetType: 'TRAIN', Tags } as const;
  datasetArn = (await client.send(new CreateDatasetCommand(dataset))).DatasetArn!;
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

const tag = (ResourceArn: string, Tags: Record<string, string>) =>
  client.send(new TagResourceCommand({ ResourceArn, Tags }));
const untag = (ResourceArn: string, TagKeys: string[]) =>
  client.send(new UntagResourceCommand({ ResourceArn, TagKeys }));
const tagsOf = async (ResourceArn: string) =>
  (await client.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;

test.each([
  ['project', () => projectArn],
  ['project version', () => versionArn],
  ['dataset', () => datasetArn],
])('the tags of a %s are listed, added to, changed and removed', async (_kind, arn) => {
  expect(await tagsOf(arn())).toEqual(Tags);
  await tag(arn(), { Dept: 'Research', role: 'x', Role: 'y' });
  expect(await tagsOf(arn())).toEqual({ ...Tags, Dept: 'Research', role: 'x', Role: 'y' });
  await tag(arn(), {});
  await untag(arn(), []);
  await untag(arn(), ['Dept', 'unknown', 'role', 'dept']);
  const { Dept, ...rest } = Tags;
  expect(await tagsOf(arn())).toEqual({ ...rest, Role: 'y' });
  await untag(arn(), [...Object.keys(Tags), 'Role']);
  expect(await tagsOf(arn())).toEqual({});
});

test('a resource has at most 200 tags; what would be too many is refused as a whole', async () => {
  const many = (count: number, prefix: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, 'x']));
  await tag(projectArn, many(199, 'k'));
  expect((await refusal(tag(projectArn, many(2, 'more')))).name).toBe('ServiceQuotaExceededException');
  expect(Object.keys((await tagsOf(projectArn))!)).toHaveLength(199);
  await tag(projectArn, { ...many(199, 'k'), one: 'more' });
  expect(Object.keys((await tagsOf(projectArn))!)).toHaveLength(200);
  await untag(projectArn, Object.keys(many(199, 'k')));
  expect(await tagsOf(projectArn)).toEqual({ one: 'more' });
});

test('ARNs of nothing, of other accounts and of other things are refused', async () => {
  const cases: [string, string][] = [
    [projectArn.replace(/\d+$/, '1'), 'ResourceNotFoundException'],
    [versionArn.replace(/\d+$/, '1'), 'ResourceNotFoundException'],
    [datasetArn.replace(/\d+$/, '1'), 'ResourceNotFoundException'],
    [projectArn.replace('000000000000', '111122223333'), 'InvalidParameterException'],
    [projectArn.replace('us-east-1', 'eu-west-1'), 'InvalidParameterException'],
    ['arn:aws:rekognition:us-east-1:000000000000:collection/faces', 'InvalidParameterException'],
    ['arn:aws:s3:::a-bucket-of-mine', 'InvalidParameterException'],
  ];
  for (const [arn, code] of cases) {
    for (const call of [tag(arn, { a: 'b' }), untag(arn, ['a']), tagsOf(arn)]) {
      expect([arn, (await refusal(call)).name]).toEqual([arn, code]);
    }
  }
});

test('tags go with their resource', async () => {
  for (const arn of [projectArn, versionArn, datasetArn]) await tag(arn, { a: 'b' });
  await client.send(new DeleteProjectVersionCommand({ ProjectVersionArn: versionArn }));
  await client.send(new DeleteDatasetCommand({ DatasetArn: datasetArn }));
  await expect.poll(async () => (await refusal(tagsOf(datasetArn))).name).toBe('ResourceNotFoundException');
  await client.send(new DeleteProjectCommand({ ProjectArn: projectArn }));
  for (const arn of [projectArn, versionArn]) {
    expect((await refusal(tagsOf(arn))).name).toBe('ResourceNotFoundException');
  }
  const again = await client.send(new CreateProjectCommand({ ProjectName: 'tagged' }));
  expect(await tagsOf(again.ProjectArn!)).toEqual({});
});
