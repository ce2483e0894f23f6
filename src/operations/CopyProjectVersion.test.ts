import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { closeServices, openServices } from '../server.ts';
import { createVersion, findVersion, moveVersion } from '../store/versions.ts';
import { CopyProjectVersion } from './CopyProjectVersion.ts';
import { CreateProject } from './CreateProject.ts';
import { DeleteProjectPolicy } from './DeleteProjectPolicy.ts';
import { DeleteProjectVersion } from './DeleteProjectVersion.ts';
import { ServiceError } from './errors.ts';
import type { Caller, Context, Services } from './operation.ts';
import { PutProjectPolicy } from './PutProjectPolicy.ts';

// Copies between accounts: the server has one account so far, so the operations are called with callers of two.

let directory: string;
let services: Services;
let sourceProject: string;
let sourceVersion: string;
let destination: string;

const caller = (account: string): Caller => ({
  arn: `arn:aws:iam::${account}:user/someone`,
  account,
  region: 'us-east-1',
});
const owner = caller('222222222222');
const copier = caller('111111111111');
const as = (who: Caller): Context => ({ ...services, caller: who });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-copy-'));
  services = await openServices(readConfig({ OCELLUS_DATA_DIR: directory, OCELLUS_MAX_COPIES: '1' }));
  await mkdir(join(directory, 'buckets/results'), { recursive: true });
  const project = async (who: Caller) =>
    (await CreateProject.handle({ ProjectName: 'p' }, as(who))).ProjectArn!;
  sourceProject = await project(owner);
  destination = await project(copier);
  const created = await createVersion(services.database, {
    projectArn: sourceProject,
    name: 'v1',
    request: { training: { bucket: 'images', key: 'm' }, output: { bucket: 'results' } },
    versionLimit: 1,
    busyLimit: 1,
  });
  if (typeof created === 'string') throw new Error(created);
  await moveVersion(services.database, created.id, ['TRAINING_IN_PROGRESS'], 'TRAINING_COMPLETED');
  sourceVersion = created.arn;
});

afterAll(async () => {
  await closeServices(services);
  await rm(directory, { recursive: true });
});

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

const request = (VersionName: string) => ({
  SourceProjectArn: sourceProject,
  SourceProjectVersionArn: sourceVersion,
  DestinationProjectArn: destination,
  VersionName,
  OutputConfig: { S3Bucket: 'results' },
});
const copy = (VersionName: string, change = {}) =>
  CopyProjectVersion.handle({ ...request(VersionName), ...change }, as(copier));

/** There is no model file, so what was accepted fails soon; then the limit of one copy at a time allows the next. */
async function accepted(work: ReturnType<typeof copy>): Promise<string> {
  const { ProjectVersionArn } = await work;
  const status = async () => (await findVersion(services.database, ProjectVersionArn!))?.status;
  await expect.poll(status).toBe('COPYING_FAILED');
  return ProjectVersionArn!;
}

const put = (PolicyName: string, Effect: string, change = {}) => {
  const statement = {
    Effect,
    Principal: '*',
    Action: 'rekognition:CopyProjectVersion',
    Resource: sourceVersion,
  };
  const PolicyDocument = JSON.stringify({ Statement: { ...statement, ...change } });
  return PutProjectPolicy.handle({ ProjectArn: sourceProject, PolicyName, PolicyDocument }, as(owner));
};
const remove = (PolicyName: string) =>
  DeleteProjectPolicy.handle({ ProjectArn: sourceProject, PolicyName }, as(owner));

test('another account copies when a policy of the source project allows it and none forbids it', async () => {
  expect(await outcome(copy('a'))).toBe('AccessDeniedException');
  await put('other', 'Allow', { Principal: { AWS: '333333333333' } });
  expect(await outcome(copy('a'))).toBe('AccessDeniedException');
  await put('allow', 'Allow', { Principal: { AWS: copier.account } });
  const arn = await accepted(copy('a'));
  expect(arn).toContain(`:${copier.account}:project/p/version/a/`);
  await put('deny', 'Deny', { Principal: { AWS: copier.arn } });
  expect(await outcome(copy('b'))).toBe('AccessDeniedException');
  await remove('deny');
  await accepted(copy('b'));
  await remove('allow');
  expect(await outcome(copy('c'))).toBe('AccessDeniedException');
});

test('a stranger does not learn what exists in another account', async () => {
  for (const change of [
    { SourceProjectArn: sourceProject.replace(/\d+$/, '1') },
    { SourceProjectVersionArn: sourceVersion.replace(/\d+$/, '1') },
  ]) {
    expect(await outcome(copy('x', change))).toBe('AccessDeniedException');
  }
});

test('policies are for the own projects of an account', async () => {
  const foreign = { ProjectArn: sourceProject, PolicyName: 'x', PolicyDocument: '{}' };
  expect(await outcome(PutProjectPolicy.handle(foreign, as(copier)))).toBe('InvalidParameterException');
});

test('while a copy is made its source stays, and the limit of copies at a time holds', async () => {
  await put('allow', 'Allow');
  const arn = await accepted(copy('d'));
  const made = await findVersion(services.database, arn);
  await moveVersion(services.database, made!.id, ['COPYING_FAILED'], 'COPYING_IN_PROGRESS');
  const source = { ProjectVersionArn: sourceVersion };
  expect(await outcome(DeleteProjectVersion.handle(source, as(owner)))).toBe('ResourceInUseException');
  expect(await outcome(copy('e'))).toBe('LimitExceededException');
  await services.copies.resume();
  await expect.poll(async () => (await findVersion(services.database, arn))?.status).toBe('COPYING_FAILED');
  await accepted(copy('e'));
  expect(await outcome(DeleteProjectVersion.handle(source, as(owner)))).toBe('ok');
  expect(await outcome(copy('f'))).toBe('ResourceNotFoundException');
});
