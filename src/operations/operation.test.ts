import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineOperation, type OperationName } from './operation.ts';
import * as shapes from './shapes.ts';

const input = z.object({ ProjectArn: shapes.ProjectArn });
const fullInput = {
  ProjectArn: shapes.ProjectArn,
  VersionNames: shapes.VersionNames.optional(),
  NextToken: shapes.PageToken.optional(),
  MaxResults: shapes.PageSize.optional(),
};
const noVersions = async () => ({ ProjectVersionDescriptions: [], NextToken: undefined });

test('an operation that agrees with the SDK compiles and is returned as it is', async () => {
  const operation = defineOperation({
    name: 'DeleteProject',
    input,
    handle: async ({ ProjectArn }) => ({ Status: ProjectArn ? 'DELETING' : undefined }),
  });
  expect(operation.name).toBe('DeleteProject');
});

test('every documented operation of the nine has an input that agrees with the SDK', () => {
  const operations: { name: OperationName }[] = [
    defineOperation({
      name: 'CreateProject',
      input: z.object({
        ProjectName: shapes.ProjectName,
        Feature: shapes.Feature.optional(),
        AutoUpdate: shapes.AutoUpdate.optional(),
        Tags: shapes.Tags.optional(),
      }),
      handle: async (given) => ({ ProjectArn: given.ProjectName }),
    }),
    defineOperation({
      name: 'DescribeProjects',
      input: z.object({
        NextToken: shapes.PageToken.optional(),
        MaxResults: shapes.PageSize.optional(),
        ProjectNames: shapes.ProjectNames.optional(),
        Features: shapes.Features.optional(),
      }),
      handle: async (given) => ({
        ProjectDescriptions: [
          {
            ProjectArn: '',
            CreationTimestamp: new Date(),
            Status: 'CREATED',
            Feature: given.Features?.[0],
            Datasets: [{ DatasetType: 'TRAIN', Status: 'CREATE_COMPLETE' }],
          },
        ],
        NextToken: undefined,
      }),
    }),
    defineOperation({
      name: 'CreateProjectVersion',
      input: z.object({
        ProjectArn: shapes.ProjectArn,
        VersionName: shapes.VersionName,
        OutputConfig: shapes.OutputConfig,
        TrainingData: shapes.TrainingData.optional(),
        TestingData: shapes.TestingData.optional(),
        Tags: shapes.Tags.optional(),
        KmsKeyId: shapes.KmsKeyId.optional(),
        VersionDescription: shapes.VersionDescription.optional(),
        FeatureConfig: shapes.CustomizationFeatureConfig.optional(),
      }),
      handle: async () => ({ ProjectVersionArn: undefined }),
    }),
    defineOperation({
      name: 'DescribeProjectVersions',
      input: z.object(fullInput),
      handle: async (given) => ({
        ProjectVersionDescriptions: [
          { TestingDataResult: { Input: { AutoCreate: true }, Output: { Assets: [] } }, OutputConfig: {} },
          { EvaluationResult: { F1Score: 1, Summary: { S3Object: { Bucket: 'b', Name: given.NextToken } } } },
        ],
        NextToken: 'x',
      }),
    }),
    defineOperation({
      name: 'StartProjectVersion',
      input: z.object({
        ProjectVersionArn: shapes.ProjectVersionArn,
        MinInferenceUnits: shapes.InferenceUnits,
        MaxInferenceUnits: shapes.InferenceUnits.optional(),
      }),
      handle: async ({ MinInferenceUnits }) => ({ Status: MinInferenceUnits > 0 ? 'STARTING' : 'FAILED' }),
    }),
    defineOperation({
      name: 'DetectCustomLabels',
      input: z.object({
        ProjectVersionArn: shapes.ProjectVersionArn,
        Image: shapes.Image,
        MaxResults: shapes.MaxLabels.optional(),
        MinConfidence: shapes.Percent.optional(),
      }),
      handle: async (given) => ({
        CustomLabels: [
          { Name: 'a', Confidence: given.MinConfidence, Geometry: { BoundingBox: { Width: 1 } } },
        ],
      }),
    }),
  ];
  expect(operations).toHaveLength(6);
});

// Never called: the type check fails when the compiler accepts one of these.
const refused = () => [
  // @ts-expect-error: no such operation
  defineOperation({ name: 'DestroyProject', input, handle: async () => ({ Status: 'DELETING' }) }),

  // @ts-expect-error: a member is missing from the input
  defineOperation({ name: 'DescribeProjectVersions', input, handle: noVersions }),

  defineOperation({
    name: 'DescribeProjectVersions',
    // @ts-expect-error: a member is misspelt
    input: z.object({ ...fullInput, MaxResults: z.undefined(), MaxResult: shapes.PageSize.optional() }),
    handle: noVersions,
  }),

  defineOperation({
    name: 'DescribeProjectVersions',
    // @ts-expect-error: a member has another type
    input: z.object({ ...fullInput, MaxResults: shapes.PageToken.optional() }),
    handle: noVersions,
  }),

  defineOperation({
    name: 'CreateProject',
    // @ts-expect-error: an enum lacks a value
    input: z.object({
      ProjectName: shapes.ProjectName,
      Feature: shapes.choice(['CUSTOM_LABELS']).optional(),
      AutoUpdate: shapes.AutoUpdate.optional(),
      Tags: shapes.Tags.optional(),
    }),
    handle: async () => ({ ProjectArn: '' }),
  }),

  defineOperation({
    name: 'DetectCustomLabels',
    // @ts-expect-error: a nested member is misspelt
    input: z.object({
      ProjectVersionArn: shapes.ProjectVersionArn,
      Image: z.object({ Byte: shapes.blob().optional(), S3Object: shapes.S3Object.optional() }),
      MaxResults: shapes.MaxLabels.optional(),
      MinConfidence: shapes.Percent.optional(),
    }),
    handle: async () => ({ CustomLabels: [] }),
  }),

  // @ts-expect-error: the answer lacks a member
  defineOperation({ name: 'DeleteProject', input, handle: async () => ({}) }),

  // @ts-expect-error: the answer has a wrong value
  defineOperation({ name: 'DeleteProject', input, handle: async () => ({ Status: 'GONE' }) }),

  // @ts-expect-error: the answer has a foreign member
  defineOperation({ name: 'DeleteProject', input, handle: async () => ({ Status: 'DELETING', State: 'x' }) }),

  defineOperation({
    name: 'DescribeProjectVersions',
    input: z.object(fullInput),
    // @ts-expect-error: a nested member of the answer is misspelt
    handle: async () => ({
      ProjectVersionDescriptions: [{ EvaluationResult: { F1score: 1 } }],
      NextToken: undefined,
    }),
  }),
];
void refused;
