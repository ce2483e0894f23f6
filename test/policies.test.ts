import {
  DeleteProjectCommand,
  DeleteProjectPolicyCommand,
  ListProjectPoliciesCommand,
  type ProjectPolicy,
  PutProjectPolicyCommand,
  paginateListProjectPolicies,
  type RekognitionClient,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createProject, refusal, startInProcess, Workspace } from './harness.ts';

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;
let projectArn: string;
let projects = 0;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
  client = server.client;
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

beforeEach(async () => {
  projectArn = await createProject(client, `shared-${projects++}`);
});

/** A document with odd spaces, which must come back as they are. */
const policy = (account = '111111111111') => `{ "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Principal": {"AWS": "${account}"},
    "Action": "rekognition:CopyProjectVersion", "Resource": "*" }] }\n`;

async function put(PolicyName: string, PolicyRevisionId?: string, PolicyDocument = policy()) {
  const input = { ProjectArn: projectArn, PolicyName, PolicyRevisionId, PolicyDocument };
  return (await client.send(new PutProjectPolicyCommand(input))).PolicyRevisionId!;
}

const list = (input = {}) =>
  client.send(new ListProjectPoliciesCommand({ ProjectArn: projectArn, ...input }));
const remove = (PolicyName: string, PolicyRevisionId?: string) =>
  client.send(new DeleteProjectPolicyCommand({ ProjectArn: projectArn, PolicyName, PolicyRevisionId }));

test('a policy is attached, changed and removed, each change with a new revision', async () => {
  const first = await put('copy');
  expect(first).toMatch(/^[\da-f]{32}$/);
  const [created] = (await list()).ProjectPolicies!;
  expect(created).toEqual({
    ProjectArn: projectArn,
    PolicyName: 'copy',
    PolicyRevisionId: first,
    PolicyDocument: policy(),
    CreationTimestamp: expect.any(Date),
    LastUpdatedTimestamp: created!.CreationTimestamp,
  });
  const second = await put('copy', first, policy('222222222222'));
  expect(second).not.toBe(first);
  const [changed, ...others] = (await list()).ProjectPolicies!;
  expect(others).toEqual([]);
  expect(changed).toMatchObject({ PolicyRevisionId: second, PolicyDocument: policy('222222222222') });
  expect(changed!.CreationTimestamp).toEqual(created!.CreationTimestamp);
  expect(changed!.LastUpdatedTimestamp!.getTime()).toBeGreaterThan(created!.CreationTimestamp!.getTime());
  expect((await refusal(remove('copy', first))).name).toBe('InvalidPolicyRevisionIdException');
  await remove('copy', second);
  expect((await list()).ProjectPolicies).toEqual([]);
  expect((await refusal(remove('copy'))).name).toBe('ResourceNotFoundException');
});

test('revisions, names and documents that do not fit are refused', async () => {
  const revision = await put('copy');
  expect((await refusal(put('copy'))).name).toBe('ResourceAlreadyExistsException');
  for (const stale of ['0123456789abcdef', '']) {
    expect((await refusal(put('copy', stale || 'f'))).name).toBe('InvalidPolicyRevisionIdException');
  }
  expect((await refusal(put('other', revision))).name).toBe('InvalidPolicyRevisionIdException');
  expect((await refusal(put('other', undefined, '{}'))).name).toBe('MalformedPolicyDocumentException');
  expect((await refusal(put('copy', revision, `'${policy()}'`))).name).toBe(
    'MalformedPolicyDocumentException',
  );
  expect((await list()).ProjectPolicies).toHaveLength(1);
  const here = projectArn;
  projectArn = here.replace(/\d+$/, '1');
  for (const call of [put('copy'), list(), remove('copy')]) {
    expect((await refusal(call)).name).toBe('ResourceNotFoundException');
  }
});

test('of changes to one revision at once one is made', async () => {
  const revision = await put('copy');
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => put('copy', revision)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.map(({ reason }) => reason.name)).toEqual([
    'InvalidPolicyRevisionIdException',
    'InvalidPolicyRevisionIdException',
  ]);
});

test('a project has at most five policies, listed from new to old by pages; they go with it', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) await put(name);
  expect((await refusal(put('f'))).name).toBe('LimitExceededException');
  expect((await list()).NextToken).toBeUndefined();
  const found: ProjectPolicy[] = [];
  const pages: number[] = [];
  for await (const page of paginateListProjectPolicies({ client, pageSize: 2 }, { ProjectArn: projectArn })) {
    pages.push(page.ProjectPolicies!.length);
    found.push(...page.ProjectPolicies!);
  }
  expect(pages).toEqual([2, 2, 1]);
  expect(found.map(({ PolicyName }) => PolicyName)).toEqual(names.toReversed());
  expect((await refusal(list({ MaxResults: 6 }))).name).toBe('ValidationException');
  const { NextToken } = await list({ MaxResults: 1 });
  const other = await createProject(client, 'other');
  for (const input of [
    { ProjectArn: other, NextToken },
    { NextToken: `${NextToken}A` },
    { NextToken: 'x' },
  ]) {
    expect((await refusal(list(input))).name).toBe('InvalidPaginationTokenException');
  }
  expect((await client.send(new DeleteProjectCommand({ ProjectArn: projectArn }))).Status).toBe('DELETING');
});
