import { z } from 'zod';
import type { ObjectRef } from '../objects/objects.ts';
import { listVersions, type ProjectVersion, type VersionRequest } from '../store/versions.ts';
import { trainingMessage } from '../training/progress-report.ts';
import { requireProject } from './lookup.ts';
import { type Context, defineOperation } from './operation.ts';
import { readPage } from './paging.ts';
import { PageSize, PageToken, ProjectArn, VersionNames } from './shapes.ts';

function s3Object({ bucket, key, version }: ObjectRef) {
  return { S3Object: { Bucket: bucket, Name: key, Version: version } };
}

function assets(ref: ObjectRef | undefined) {
  return { Assets: ref ? [{ GroundTruthManifest: s3Object(ref) }] : [] };
}

/** Absent until there is such a file. */
function assetsIfAny(ref: ObjectRef | undefined) {
  return ref && assets(ref);
}

/** Data sets aren't named. */
function inputAssets({ datasets }: VersionRequest, ref: ObjectRef | undefined) {
  return datasets ? {} : assets(ref);
}

/** What the training found and left: members that are absent before it has. */
function describeOutcome({ request, outcome, source }: ProjectVersion) {
  const completed = outcome?.status === 'TRAINING_COMPLETED' ? outcome : undefined;
  const validation = outcome?.validation;
  const { datasets } = request;
  const autoCreate = { AutoCreate: (datasets ? datasets.testing : request.testing) === undefined };
  return {
    // A copy was given no data, and nobody trained it.
    BillableTrainingTimeInSeconds: source ? undefined : completed?.billableSeconds,
    TrainingDataResult: {
      Input: source ? undefined : inputAssets(request, request.training),
      Output: assetsIfAny(completed?.trainingOutput),
      Validation: assetsIfAny(validation?.trainingValidation),
    },
    TestingDataResult: {
      Input: source ? undefined : { ...inputAssets(request, request.testing), ...autoCreate },
      Output: completed && { ...assets(completed.testingOutput), ...(source ? {} : autoCreate) },
      Validation: assetsIfAny(validation?.testingValidation),
    },
    EvaluationResult: completed && {
      F1Score: completed.f1Score,
      Summary: s3Object(completed.evaluationSummary),
    },
    ManifestSummary: validation && s3Object(validation.manifestSummary),
  };
}

/** With how far the training is, while it runs. */
function describeStatus({ id, status, statusMessage }: ProjectVersion, { trainings }: Context) {
  const progress = status === 'TRAINING_IN_PROGRESS' ? trainings.progress(id) : undefined;
  const message = progress ? trainingMessage(statusMessage, progress, Date.now()) : statusMessage;
  return { Status: status, StatusMessage: message };
}

function describe(version: ProjectVersion, context: Context) {
  const { request, trainingEndedAt } = version;
  return {
    ProjectVersionArn: version.arn,
    CreationTimestamp: new Date(version.createdAt),
    MinInferenceUnits: version.minInferenceUnits,
    MaxInferenceUnits: version.maxInferenceUnits,
    ...describeStatus(version, context),
    TrainingEndTimestamp: trainingEndedAt === undefined ? undefined : new Date(trainingEndedAt),
    OutputConfig: { S3Bucket: request.output.bucket, S3KeyPrefix: request.output.prefix },
    SourceProjectVersionArn: version.source?.arn,
    VersionDescription: request.description,
    Feature: 'CUSTOM_LABELS' as const,
    ...describeOutcome(version),
  };
}

export const DescribeProjectVersions = defineOperation({
  name: 'DescribeProjectVersions',
  input: z.object({
    ProjectArn,
    VersionNames: VersionNames.optional(),
    NextToken: PageToken.optional(),
    MaxResults: PageSize.optional(),
  }),
  async handle(input, context) {
    const { ProjectArn: projectArn, VersionNames: names } = input;
    const { id: projectId } = await requireProject(projectArn, context);
    const query = ['DescribeProjectVersions', projectArn, names ?? null];
    const { items, nextToken } = await readPage(input, query, context, (position) =>
      listVersions(context.database, { projectId, names, ...position }),
    );
    return {
      ProjectVersionDescriptions: items.map((version) => describe(version, context)),
      NextToken: nextToken,
    };
  },
});
