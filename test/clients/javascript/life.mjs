// The life of a model with the AWS SDK for JavaScript: `node life.mjs PICTURES`, where PICTURES/train/LABEL/… and
// PICTURES/test/LABEL/… are images. The SDK reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AccessDeniedException,
  InvalidParameterException,
  LimitExceededException,
  paginateDescribeProjects,
  paginateDescribeProjectVersions,
  paginateListDatasetEntries,
  Rekognition,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilProjectVersionRunning,
  waitUntilProjectVersionTrainingCompleted,
} from '@aws-sdk/client-rekognition';
import { NoSuchBucket, S3 } from '@aws-sdk/client-s3';

const Bucket = 'javascript-pictures';
const [, , pictures] = process.argv;
const client = new Rekognition();
const s3 = new S3();
const poll = { client, minDelay: 1, maxDelay: 1, maxWaitTime: 600 };

/** The call must end with this exception and no other. */
async function refused(exception, call) {
  const error = await call.then(
    () => undefined,
    (thrown) => thrown,
  );
  assert(error instanceof exception, `expected ${exception.name}, got ${error}`);
  console.log(`refused, ${error.name}: ${error.message}`);
  return error;
}

async function waitFor(condition) {
  while (!(await condition())) await sleep(200);
}

async function collect(pages, member) {
  const lists = [];
  for await (const page of pages) lists.push(page[member] ?? []);
  return lists;
}

// Pictures and manifests

/** `{ key, label, bytes }` of the pictures of a part. */
const readPictures = (part) =>
  readdirSync(join(pictures, part)).flatMap((label) =>
    readdirSync(join(pictures, part, label)).map((name) => ({
      key: `${part}/${label}/${name}`,
      label,
      bytes: readFileSync(join(pictures, part, label, name)),
    })),
  );

const line = ({ key, label }) =>
  JSON.stringify({
    'source-ref': `s3://${Bucket}/${key}`,
    kind: 1,
    'kind-metadata': {
      'class-name': label,
      confidence: 1,
      'human-annotated': 'yes',
      'creation-date': '2026-03-06T17:46:39.176',
      type: 'groundtruth/image-classification',
    },
  });

/** Uploads a part and its manifest; where the manifest lies, as an asset. */
async function upload(part) {
  const images = readPictures(part);
  for (const { key: Key, bytes: Body } of images) await s3.putObject({ Bucket, Key, Body });
  const Name = `${part}.manifest`;
  const put = await s3.putObject({ Bucket, Key: Name, Body: images.map(line).join('\n') });
  return { GroundTruthManifest: { S3Object: { Bucket, Name, Version: put.VersionId } } };
}

await s3.createBucket({ Bucket });
await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
const training = await upload('train');
const testing = await upload('test');

// Training: with manifests for both, and with a test set that is split off

const { ProjectArn } = await client.createProject({
  ProjectName: 'javascript-kinds',
  Feature: 'CUSTOM_LABELS',
  Tags: { client: 'javascript' },
});
const common = {
  ProjectArn,
  OutputConfig: { S3Bucket: Bucket, S3KeyPrefix: 'results' },
  TrainingData: { Assets: [training] },
};
const everything = {
  ...common,
  VersionName: 'v1',
  TestingData: { Assets: [testing], AutoCreate: false },
  Tags: { stage: 'first' },
  VersionDescription: "JavaScript's first model",
  FeatureConfig: {},
};
const withKey = client.createProjectVersion({ ...everything, KmsKeyId: 'alias/mine' });
assert.equal((await refused(InvalidParameterException, withKey)).message, 'KmsKeyId is not supported yet.');
const ContentModeration = { ConfidenceThreshold: 70 };
await refused(
  InvalidParameterException,
  client.createProjectVersion({ ...everything, FeatureConfig: { ContentModeration } }),
);
const { ProjectVersionArn } = await client.createProjectVersion(everything);
await refused(ResourceInUseException, client.createProjectVersion(everything));
await client.createProjectVersion({
  ...common,
  VersionName: 'v2',
  TestingData: { AutoCreate: true },
  Tags: {},
});
await waitUntilProjectVersionTrainingCompleted(poll, { ProjectArn });

// What came of it, in pages of one

const paging = { client, pageSize: 1 };
const pages = await collect(
  paginateDescribeProjectVersions(paging, { ProjectArn }),
  'ProjectVersionDescriptions',
);
assert.deepEqual(
  pages.map((page) => page.map((version) => version.ProjectVersionArn.split('/')[3])),
  [['v2'], ['v1']],
);
const [[second], [first]] = pages;
assert.equal(first.ProjectVersionArn, ProjectVersionArn);
assert.equal(first.Status, 'TRAINING_COMPLETED');
assert.equal(first.VersionDescription, everything.VersionDescription);
assert.deepEqual(first.TestingDataResult.Input, everything.TestingData);
assert(first.CreationTimestamp <= first.TrainingEndTimestamp);
assert(Number.isInteger(first.BillableTrainingTimeInSeconds));
assert(first.EvaluationResult.F1Score >= 0 && first.EvaluationResult.F1Score <= 1);
const summary = first.EvaluationResult.Summary.S3Object;
const summaryObject = await s3.getObject({ Bucket: summary.Bucket, Key: summary.Name });
assert(JSON.parse(await summaryObject.Body.transformToString()).AggregatedEvaluationResults);
const projects = await collect(paginateDescribeProjects(paging, {}), 'ProjectDescriptions');
assert(projects.flat().some((project) => project.ProjectArn === ProjectArn));

// Looking at pictures

await refused(
  LimitExceededException,
  client.startProjectVersion({ ProjectVersionArn, MinInferenceUnits: 1, MaxInferenceUnits: 1000 }),
);
const units = { MinInferenceUnits: 1, MaxInferenceUnits: 2 };
assert.equal((await client.startProjectVersion({ ProjectVersionArn, ...units })).Status, 'STARTING');
await waitUntilProjectVersionRunning(poll, { ProjectArn, VersionNames: ['v1'] });
for (const { key, label, bytes } of readPictures('test')) {
  for (const Image of [{ Bytes: bytes }, { S3Object: { Bucket, Name: key } }]) {
    const limits = { MinConfidence: 0, MaxResults: 1 };
    const { CustomLabels } = await client.detectCustomLabels({ ProjectVersionArn, Image, ...limits });
    console.log(key, CustomLabels);
    assert.deepEqual(
      [label],
      CustomLabels.map(({ Name }) => Name),
    );
  }
}

// Tags

await client.tagResource({
  ResourceArn: ProjectVersionArn,
  Tags: { stage: 'second', colour: 'blau und grün' },
});
await client.untagResource({ ResourceArn: ProjectVersionArn, TagKeys: ['stage'] });
const { Tags } = await client.listTagsForResource({ ResourceArn: ProjectVersionArn });
assert.deepEqual(Tags, { colour: 'blau und grün' });

// Copying into another project, which the policies of the first one let others do, too

const { ProjectArn: otherArn } = await client.createProject({ ProjectName: 'javascript-copies' });
const PolicyName = 'all';
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'rekognition:CopyProjectVersion', Resource: '*' },
  ],
});
const { PolicyRevisionId } = await client.putProjectPolicy({ ProjectArn, PolicyName, PolicyDocument });
const { ProjectPolicies } = await client.listProjectPolicies({ ProjectArn });
assert.deepEqual(
  ProjectPolicies.map((policy) => policy.PolicyRevisionId),
  [PolicyRevisionId],
);
await client.deleteProjectPolicy({ ProjectArn, PolicyName, PolicyRevisionId });
const copying = { DestinationProjectArn: otherArn, VersionName: 'copy', OutputConfig: { S3Bucket: Bucket } };
const foreign = (arn) => arn.replace(/:\d{12}:/, ':999999999999:');
await refused(
  AccessDeniedException,
  client.copyProjectVersion({
    SourceProjectArn: foreign(ProjectArn),
    SourceProjectVersionArn: foreign(ProjectVersionArn),
    ...copying,
  }),
);
const { ProjectVersionArn: copyArn } = await client.copyProjectVersion({
  SourceProjectArn: ProjectArn,
  SourceProjectVersionArn: ProjectVersionArn,
  Tags: { of: 'v1' },
  ...copying,
});
const status = async (ProjectArn, name) => {
  const { ProjectVersionDescriptions } = await client.describeProjectVersions({
    ProjectArn,
    VersionNames: [name],
  });
  return ProjectVersionDescriptions[0]?.Status;
};
await waitFor(async () => (await status(otherArn, 'copy')) !== 'COPYING_IN_PROGRESS');
assert.equal(await status(otherArn, 'copy'), 'COPYING_COMPLETED');

// A data set

const { DatasetArn } = await client.createDataset({
  ProjectArn: otherArn,
  DatasetType: 'TRAIN',
  DatasetSource: training,
});
const datasetStatus = async () => (await client.describeDataset({ DatasetArn })).DatasetDescription.Status;
await waitFor(async () => (await datasetStatus()) !== 'CREATE_IN_PROGRESS');
const entries = await collect(
  paginateListDatasetEntries({ client, pageSize: 5 }, { DatasetArn }),
  'DatasetEntries',
);
assert.equal(entries.flat().length, readPictures('train').length);
const unlabelled = JSON.stringify({ 'source-ref': `s3://${Bucket}/${readPictures('test')[0].key}` });
await client.updateDatasetEntries({ DatasetArn, Changes: { GroundTruth: Buffer.from(unlabelled) } });
await waitFor(async () => (await datasetStatus()) !== 'UPDATE_IN_PROGRESS');
assert.equal(await datasetStatus(), 'UPDATE_COMPLETE');
const { DatasetLabelDescriptions } = await client.listDatasetLabels({ DatasetArn });
assert.deepEqual(
  DatasetLabelDescriptions.map(({ LabelName }) => LabelName).sort(),
  readdirSync(join(pictures, 'train')).sort(),
);
await client.deleteDataset({ DatasetArn });
await waitFor(async () => {
  const { ProjectDescriptions } = await client.describeProjects({ ProjectNames: ['javascript-copies'] });
  return !ProjectDescriptions[0].Datasets?.length;
});

// Stopping, and leaving nothing behind

await refused(ResourceInUseException, client.deleteProjectVersion({ ProjectVersionArn }));
assert.equal((await client.stopProjectVersion({ ProjectVersionArn })).Status, 'STOPPING');
await waitFor(async () => (await status(ProjectArn, 'v1')) !== 'STOPPING');
assert.equal(await status(ProjectArn, 'v1'), 'STOPPED');
for (const arn of [ProjectVersionArn, second.ProjectVersionArn, copyArn]) {
  assert.equal((await client.deleteProjectVersion({ ProjectVersionArn: arn })).Status, 'DELETING');
}
await waitFor(async () => {
  const left = [
    await status(ProjectArn, 'v1'),
    await status(ProjectArn, 'v2'),
    await status(otherArn, 'copy'),
  ];
  return left.every((one) => one === undefined);
});
for (const arn of [ProjectArn, otherArn]) await client.deleteProject({ ProjectArn: arn });
await waitFor(async () => {
  const ProjectNames = ['javascript-kinds', 'javascript-copies'];
  return (await client.describeProjects({ ProjectNames })).ProjectDescriptions.length === 0;
});
await refused(ResourceNotFoundException, client.describeProjectVersions({ ProjectArn }));
const { Versions, DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
assert.equal((await s3.deleteObjects({ Bucket, Delete: { Objects } })).Errors, undefined);
await s3.deleteBucket({ Bucket });
await refused(NoSuchBucket, s3.listObjectsV2({ Bucket }));
console.log('JavaScript: the whole life of a model');
