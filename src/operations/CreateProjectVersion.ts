import { z } from 'zod';
import type { ObjectRef } from '../objects/objects.ts';
import { createVersion, type VersionRequest } from '../store/versions.ts';
import { ServiceError } from './errors.ts';
import { MAXIMUM_VERSIONS } from './limits.ts';
import { notFound, requireProject } from './lookup.ts';
import { type Context, defineOperation } from './operation.ts';
import {
  type Asset,
  CustomizationFeatureConfig,
  KmsKeyId,
  OutputConfig,
  ProjectArn,
  Tags,
  TestingData,
  TrainingData,
  VersionDescription,
  VersionName,
} from './shapes.ts';

const input = z.object({
  ProjectArn,
  VersionName,
  OutputConfig,
  TrainingData: TrainingData.optional(),
  TestingData: TestingData.optional(),
  Tags: Tags.optional(),
  KmsKeyId: KmsKeyId.optional(),
  VersionDescription: VersionDescription.optional(),
  FeatureConfig: CustomizationFeatureConfig.optional(),
});
type Input = z.output<typeof input>;

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

function refuseUnsupported({ KmsKeyId: key, FeatureConfig }: Input): void {
  if (key) throw invalid('KmsKeyId is not supported yet.');
  if (FeatureConfig?.ContentModeration) {
    throw invalid(
      'FeatureConfig.ContentModeration applies only to projects with the Feature CONTENT_MODERATION.',
    );
  }
}

/** The manifest of TrainingData or TestingData, which take exactly one. */
function readManifest(member: string, assets: Asset[] = []): ObjectRef {
  if (assets.length !== 1) throw invalid(`${member}.Assets must have exactly one asset.`);
  const { Bucket, Name, Version } = assets[0]?.GroundTruthManifest?.S3Object ?? {};
  if (!Bucket || !Name) {
    throw invalid(
      `The asset of ${member} must name the Bucket and the Name of a GroundTruthManifest.S3Object.`,
    );
  }
  if (Version) throw invalid(`The asset of ${member} has an S3Object.Version, which is not supported yet.`);
  return { bucket: Bucket, key: Name };
}

function readTesting({ Assets, AutoCreate }: TestingData): ObjectRef | undefined {
  if (!AutoCreate) return readManifest('TestingData', Assets);
  if (Assets?.length) throw invalid('TestingData must have either Assets or AutoCreate, not both.');
  return undefined;
}

function readRequest({ TrainingData, TestingData, OutputConfig, VersionDescription }: Input): VersionRequest {
  if (!TrainingData || !TestingData) {
    throw invalid('The project has no datasets, so both TrainingData and TestingData must be given.');
  }
  if (!OutputConfig.S3Bucket) throw invalid('OutputConfig.S3Bucket must be given.');
  return {
    training: readManifest('TrainingData', TrainingData.Assets),
    testing: readTesting(TestingData),
    output: { bucket: OutputConfig.S3Bucket, prefix: OutputConfig.S3KeyPrefix },
    description: VersionDescription,
  };
}

async function create(input: Input, request: VersionRequest, { database, config }: Context) {
  const { ProjectArn: projectArn, VersionName: name, Tags: tags } = input;
  const trainingLimit = config.maximumTrainings;
  const version = await createVersion(database, {
    projectArn,
    name,
    request,
    tags,
    versionLimit: MAXIMUM_VERSIONS,
    trainingLimit,
  });
  switch (version) {
    case 'no-project':
      throw notFound(projectArn);
    case 'name-taken':
      throw new ServiceError(
        'ResourceInUseException',
        `A project version with the name ${name} already exists in the project.`,
      );
    case 'version-limit':
      throw new ServiceError(
        'LimitExceededException',
        `The project has ${MAXIMUM_VERSIONS} versions, which is the maximum.`,
      );
    case 'training-limit':
      throw new ServiceError(
        'LimitExceededException',
        `${trainingLimit} trainings are in progress, which is the maximum.`,
      );
    default:
      return version;
  }
}

export const CreateProjectVersion = defineOperation({
  name: 'CreateProjectVersion',
  input,
  async handle(input, context) {
    refuseUnsupported(input);
    const request = readRequest(input);
    await requireProject(input.ProjectArn, context);
    if (!(await context.objects.hasBucket(request.output.bucket))) {
      throw invalid(`The bucket ${request.output.bucket} of OutputConfig does not exist.`);
    }
    const version = await create(input, request, context);
    context.trainings.start(version);
    return { ProjectVersionArn: version.arn };
  },
});
