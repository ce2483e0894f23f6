import {
  CreateProjectCommand,
  DeleteProjectCommand,
  DescribeProjectsCommand,
  paginateDescribeProjects,
  type RekognitionClient,
} from '@aws-sdk/client-rekognition';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient, createProject, refusal, startInProcess, Workspace } from './harness.ts';

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;

beforeEach(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
  client = server.client;
});

afterEach(async () => {
  await server.close();
  await workspace.remove();
});

const describe = (input = {}) => client.send(new DescribeProjectsCommand(input));

test('a project is created, described and deleted', async () => {
  const before = Date.now();
  const arn = await createProject(client, 'parts');
  expect(arn).toMatch(/^arn:aws:rekognition:us-east-1:000000000000:project\/parts\/\d{13}$/);
  const [project, ...others] = (await describe()).ProjectDescriptions!;
  expect(others).toEqual([]);
  expect(project).toEqual({
    ProjectArn: arn,
    CreationTimestamp: new Date(Number(arn.split('/').at(-1))),
    Status: 'CREATED',
    Datasets: [],
    Feature: 'CUSTOM_LABELS',
  });
  expect(project!.CreationTimestamp!.getTime()).toBeGreaterThanOrEqual(before);
  const answer = await client.send(new DeleteProjectCommand({ ProjectArn: arn }));
  expect(answer.Status).toBe('DELETING');
  expect((await describe()).ProjectDescriptions).toEqual([]);
});

test('two requests for one name at once: one gets it', async () => {
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => createProject(client, 'parts')));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason.name).toBe('ResourceInUseException');
  }
});

test('what is not supported yet, or does not fit, is refused', async () => {
  const create = (input: object) =>
    refusal(client.send(new CreateProjectCommand({ ProjectName: 'p', ...input })));
  expect(await create({ Feature: 'CONTENT_MODERATION', AutoUpdate: 'ENABLED' })).toEqual({
    name: 'InvalidParameterException',
    message: 'Projects with the Feature CONTENT_MODERATION are not supported yet.',
  });
  expect((await create({ AutoUpdate: 'ENABLED' })).name).toBe('InvalidParameterException');
  expect((await create({ ProjectName: 'not a name' })).name).toBe('ValidationException');
  expect((await create({ Tags: { 'aws:reserved': 'x' } })).name).toBe('ValidationException');
  expect((await describe()).ProjectDescriptions).toEqual([]);
});

test('the hundred-and-first project is refused, in its Region only', async () => {
  for (let i = 0; i < 100; i++) await createProject(client, `p${i}`);
  expect((await refusal(createProject(client, 'more'))).name).toBe('LimitExceededException');
  const elsewhere = createClient(server.url, 'eu-west-1');
  expect(await createProject(elsewhere, 'more')).toContain(':eu-west-1:');

  const names: string[] = [];
  let pages = 0;
  for await (const page of paginateDescribeProjects({ client, pageSize: 33 }, {})) {
    pages++;
    names.push(...page.ProjectDescriptions!.map((each) => each.ProjectArn!.split('/')[1]!));
  }
  expect(pages).toBe(4);
  expect(names).toEqual(Array.from({ length: 100 }, (_, i) => `p${99 - i}`));
});

test('names and features filter; a page token belongs to its query', async () => {
  for (const name of ['a', 'b', 'c']) await createProject(client, name);
  const named = await describe({ ProjectNames: ['a', 'c', 'unknown'] });
  expect(named.ProjectDescriptions!.map((each) => each.ProjectArn!.split('/')[1])).toEqual(['c', 'a']);
  expect((await describe({ Features: ['CONTENT_MODERATION'] })).ProjectDescriptions).toEqual([]);
  expect(
    (await describe({ Features: ['CONTENT_MODERATION', 'CUSTOM_LABELS'] })).ProjectDescriptions,
  ).toHaveLength(3);
  const { NextToken } = await describe({ MaxResults: 1, ProjectNames: ['a', 'c'] });
  const next = await describe({ MaxResults: 1, ProjectNames: ['a', 'c'], NextToken });
  expect(next.ProjectDescriptions).toHaveLength(1);
  expect(next.NextToken).toBeUndefined();
  for (const input of [{ NextToken }, { NextToken: 'invented' }, { NextToken: `${NextToken}x` }]) {
    expect((await refusal(describe(input))).name).toBe('InvalidPaginationTokenException');
  }
  expect((await describe({ NextToken: '' })).ProjectDescriptions).toHaveLength(3);
  expect((await refusal(describe({ MaxResults: 101 }))).name).toBe('ValidationException');
});

test('a project that is not there, or elsewhere, cannot be deleted', async () => {
  const arn = await createProject(client, 'parts');
  const remove = (ProjectArn: string, by = client) =>
    refusal(by.send(new DeleteProjectCommand({ ProjectArn })));
  expect((await remove(arn.replace(/\d+$/, '1'))).name).toBe('ResourceNotFoundException');
  expect((await remove(arn.replace('/parts/', '/other/'))).name).toBe('ResourceNotFoundException');
  expect((await remove(arn.replace('000000000000', '111122223333'))).name).toBe('InvalidParameterException');
  expect((await remove(arn, createClient(server.url, 'eu-west-1'))).name).toBe('InvalidParameterException');
  expect((await describe()).ProjectDescriptions).toHaveLength(1);
});

test('a restart changes nothing, and a page token goes on', async () => {
  for (const name of ['a', 'b']) await createProject(client, name);
  const { NextToken, ProjectDescriptions } = await describe({ MaxResults: 1 });
  const all = await describe();
  await server.close();
  server = await startInProcess(workspace);
  client = server.client;
  expect((await describe()).ProjectDescriptions).toEqual(all.ProjectDescriptions);
  const rest = await describe({ NextToken });
  expect([...ProjectDescriptions!, ...rest.ProjectDescriptions!]).toEqual(all.ProjectDescriptions);
});

test('a second server on the same data directory does not start', async () => {
  await expect(startInProcess(workspace)).rejects.toThrow('Another Ocellus server');
});
