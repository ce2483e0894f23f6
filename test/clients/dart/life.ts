import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { expect } from 'vitest';
import { manifestLine, until } from '../../harness.ts';
import { DartRekognition, DartS3 } from './client.ts';

const BUCKET = 'dart-pictures';

/** The life of a model by the calls of Dart's packages; members stand in their order: required ones, then by name. */
export async function liveWithDart(url: string, pictures: string): Promise<void> {
  const client = new DartRekognition(url);
  const s3 = new DartS3(url);
  await s3.call('PUT', BUCKET);
  const training = await upload(s3, pictures, 'train');
  const testing = await upload(s3, pictures, 'test');
  const { ProjectArn } = await client.call('CreateProject', {
    ProjectName: 'dart-kinds',
    Feature: 'CUSTOM_LABELS',
    Tags: { client: 'dart' },
  });
  const ProjectVersionArn = await train(client, ProjectArn, training, testing);
  const versions = await describe(client, ProjectArn);
  expect(versions[1]).toMatchObject({ ProjectVersionArn, Status: 'TRAINING_COMPLETED' });
  const summary = versions[1].EvaluationResult.Summary.S3Object;
  expect(await s3.call('GET', summary.Bucket, summary.Name)).toContain('AggregatedEvaluationResults');
  await detect(client, ProjectArn, ProjectVersionArn, pictures);
  await tag(client, ProjectVersionArn);
  const { ProjectArn: other } = await client.call('CreateProject', { ProjectName: 'dart-copies' });
  const copy = await copyVersion(client, ProjectArn, ProjectVersionArn, other);
  await keepDataset(client, other, training);
  await end(
    client,
    ProjectVersionArn,
    [...versions.map((one) => one.ProjectVersionArn), copy],
    [ProjectArn, other],
  );
}

const files = async (pictures: string, part: string) =>
  (await readdir(join(pictures, part), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({
      key: join(parentPath, name)
        .slice(pictures.length + 1)
        .replaceAll(sep, '/'),
      label: parentPath.split(sep).at(-1)!,
    }));

async function upload(s3: DartS3, pictures: string, part: string) {
  const images = await files(pictures, part);
  for (const { key } of images) await s3.call('PUT', BUCKET, key, await readFile(join(pictures, key)));
  const Name = `${part}.manifest`;
  await s3.call(
    'PUT',
    BUCKET,
    Name,
    images.map(({ key, label }) => manifestLine(BUCKET, key, label)).join('\n'),
  );
  return { GroundTruthManifest: { S3Object: { Bucket: BUCKET, Name } } };
}

async function train(
  client: DartRekognition,
  ProjectArn: string,
  training: object,
  testing: object,
): Promise<string> {
  const required = (VersionName: string) => ({
    OutputConfig: { S3Bucket: BUCKET, S3KeyPrefix: 'results' },
    ProjectArn,
    VersionName,
  });
  const rest = {
    Tags: { stage: 'first' },
    TestingData: { Assets: [testing], AutoCreate: false },
    TrainingData: { Assets: [training] },
    VersionDescription: "Dart's first model",
  };
  const FeatureConfig = {};
  const everything = { ...required('v1'), FeatureConfig, ...rest };
  const refused = (input: object) => client.refusal('CreateProjectVersion', input);
  expect(await refused({ ...required('v1'), FeatureConfig, KmsKeyId: 'alias/mine', ...rest })).toEqual({
    type: 'InvalidParameterException',
    message: 'KmsKeyId is not supported yet.',
  });
  const ContentModeration = { ConfidenceThreshold: 70.5 };
  expect(await refused({ ...required('v1'), FeatureConfig: { ContentModeration }, ...rest })).toMatchObject({
    type: 'InvalidParameterException',
  });
  const { ProjectVersionArn } = await client.call('CreateProjectVersion', everything);
  expect(await refused(everything)).toMatchObject({ type: 'ResourceInUseException' });
  const data = { TestingData: { AutoCreate: true }, TrainingData: { Assets: [training] } };
  await client.call('CreateProjectVersion', { ...required('v2'), Tags: {}, ...data });
  for (const name of ['v1', 'v2']) {
    await until(async () => (await status(client, ProjectArn, name)) !== 'TRAINING_IN_PROGRESS');
  }
  return ProjectVersionArn;
}

async function status(
  client: DartRekognition,
  ProjectArn: string,
  name: string,
): Promise<string | undefined> {
  const input = { ProjectArn, VersionNames: [name] };
  return (await client.call('DescribeProjectVersions', input)).ProjectVersionDescriptions[0]?.Status;
}

/** Both versions, in pages of one: the newest first. */
async function describe(client: DartRekognition, ProjectArn: string) {
  const page = (NextToken?: string) =>
    client.call('DescribeProjectVersions', { ProjectArn, MaxResults: 1, ...(NextToken && { NextToken }) });
  const newest = await page();
  const oldest = await page(newest.NextToken);
  expect(oldest).not.toHaveProperty('NextToken');
  const versions = [...newest.ProjectVersionDescriptions, ...oldest.ProjectVersionDescriptions];
  expect(versions.map((one) => one.ProjectVersionArn.split('/')[3])).toEqual(['v2', 'v1']);
  return versions;
}

async function detect(
  client: DartRekognition,
  ProjectArn: string,
  ProjectVersionArn: string,
  pictures: string,
) {
  const start = { MinInferenceUnits: 1, ProjectVersionArn };
  const tooMany = await client.refusal('StartProjectVersion', { ...start, MaxInferenceUnits: 1000 });
  expect(tooMany.type).toBe('LimitExceededException');
  expect((await client.call('StartProjectVersion', { ...start, MaxInferenceUnits: 2 })).Status).toBe(
    'STARTING',
  );
  await until(async () => (await status(client, ProjectArn, 'v1')) === 'RUNNING');
  for (const { key, label } of await files(pictures, 'test')) {
    const Bytes = (await readFile(join(pictures, key))).toString('base64');
    for (const Image of [{ Bytes }, { S3Object: { Bucket: BUCKET, Name: key } }]) {
      const input = { Image, ProjectVersionArn, MaxResults: 1, MinConfidence: 0 };
      const { CustomLabels } = await client.call('DetectCustomLabels', input);
      expect(CustomLabels).toEqual([{ Name: label, Confidence: expect.any(Number) }]);
    }
  }
}

async function tag(client: DartRekognition, ResourceArn: string): Promise<void> {
  await client.call('TagResource', { ResourceArn, Tags: { stage: 'second', colour: 'blau und grün' } });
  await client.call('UntagResource', { ResourceArn, TagKeys: ['stage'] });
  const { Tags } = await client.call('ListTagsForResource', { ResourceArn });
  expect(Tags).toEqual({ colour: 'blau und grün' });
}

async function copyVersion(client: DartRekognition, project: string, version: string, destination: string) {
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'rekognition:CopyProjectVersion', Resource: '*' },
    ],
  });
  const policy = { PolicyName: 'all', ProjectArn: project };
  const { PolicyRevisionId } = await client.call('PutProjectPolicy', { PolicyDocument, ...policy });
  const { ProjectPolicies } = await client.call('ListProjectPolicies', { ProjectArn: project });
  expect(ProjectPolicies).toMatchObject([{ PolicyName: 'all', PolicyRevisionId }]);
  await client.call('DeleteProjectPolicy', { ...policy, PolicyRevisionId });
  const input = (source: (arn: string) => string) => ({
    DestinationProjectArn: destination,
    OutputConfig: { S3Bucket: BUCKET },
    SourceProjectArn: source(project),
    SourceProjectVersionArn: source(version),
    VersionName: 'copy',
    Tags: { of: 'v1' },
  });
  const foreign = input((arn) => arn.replace(/:\d{12}:/, ':999999999999:'));
  expect((await client.refusal('CopyProjectVersion', foreign)).type).toBe('AccessDeniedException');
  const { ProjectVersionArn } = await client.call('CopyProjectVersion', input(String));
  await until(async () => (await status(client, destination, 'copy')) !== 'COPYING_IN_PROGRESS');
  expect(await status(client, destination, 'copy')).toBe('COPYING_COMPLETED');
  return ProjectVersionArn;
}

async function keepDataset(
  client: DartRekognition,
  ProjectArn: string,
  DatasetSource: object,
): Promise<void> {
  const input = { DatasetType: 'TRAIN', ProjectArn, DatasetSource };
  const { DatasetArn } = await client.call('CreateDataset', input);
  const settle = () =>
    until(async () => {
      const { Status } = (await client.call('DescribeDataset', { DatasetArn })).DatasetDescription;
      return !Status.endsWith('_IN_PROGRESS') && Status;
    });
  expect(await settle()).toBe('CREATE_COMPLETE');
  const { DatasetEntries } = await client.call('ListDatasetEntries', { DatasetArn });
  const GroundTruth = Buffer.from(DatasetEntries[0]).toString('base64');
  await client.call('UpdateDatasetEntries', { Changes: { GroundTruth }, DatasetArn });
  expect(await settle()).toBe('UPDATE_COMPLETE');
  const { DatasetLabelDescriptions } = await client.call('ListDatasetLabels', { DatasetArn });
  expect(DatasetLabelDescriptions).toHaveLength(2);
  await client.call('DeleteDataset', { DatasetArn });
  await until(async () => {
    const { ProjectDescriptions } = await client.call('DescribeProjects', { ProjectNames: ['dart-copies'] });
    return !ProjectDescriptions[0].Datasets?.length;
  });
}

async function end(
  client: DartRekognition,
  running: string,
  versions: string[],
  projects: string[],
): Promise<void> {
  const input = { ProjectVersionArn: running };
  expect((await client.refusal('DeleteProjectVersion', input)).type).toBe('ResourceInUseException');
  expect((await client.call('StopProjectVersion', input)).Status).toBe('STOPPING');
  await until(async () => (await status(client, projects[0]!, 'v1')) === 'STOPPED');
  for (const ProjectVersionArn of versions) await client.call('DeleteProjectVersion', { ProjectVersionArn });
  for (const ProjectArn of projects) {
    await until(async () => {
      const { ProjectVersionDescriptions } = await client.call('DescribeProjectVersions', { ProjectArn });
      return ProjectVersionDescriptions.length === 0;
    });
    await client.call('DeleteProject', { ProjectArn });
  }
  const absent = await client.refusal('DescribeProjectVersions', { ProjectArn: projects[0] });
  expect(absent.type).toBe('ResourceNotFoundException');
}
