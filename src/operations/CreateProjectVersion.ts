import { z } from 'zod';
import type { ObjectRef } from '../objects/objects.ts';
import { type Dataset, listDatasets } from '../store/datasets.ts';
import type { Project } from '../store/projects.ts';
import type { DatasetType } from '../store/schema.ts';
import { createVersion, trainedDatasets, type VersionRequest } from '../store/versions.ts';
import { BUDGETS, type Budget } from '../vision/budget.ts';
import { ServiceError } from './errors.ts';
import { requireProject } from './lookup.ts';
import { readOutput, refuseKey, requireBucket, requireMade } from './new-version.ts';
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

/** Every project has the Feature CUSTOM_LABELS so far. */
function checkFeatureConfig({ FeatureConfig }: Input): void {
  if (!FeatureConfig?.ContentModeration) return;
  throw invalid(
    'FeatureConfig.ContentModeration applies only to projects with the Feature CONTENT_MODERATION.',
  );
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
  return { bucket: Bucket, key: Name, ...(Version && { version: Version }) };
}

/** The tag of a version that says how long to train. */
const BUDGET_TAG = 'ocellus:budget';

function readBudget({ Tags }: Input): Budget | undefined {
  const value = Tags?.[BUDGET_TAG];
  const budget = BUDGETS.find((each) => each === value);
  if (value !== undefined && !budget) {
    throw invalid(`The tag ${BUDGET_TAG} must be one of ${BUDGETS.join(', ')}, and not "${value}".`);
  }
  return budget;
}

function readTesting({ Assets, AutoCreate }: TestingData): ObjectRef | undefined {
  if (!AutoCreate) return readManifest('TestingData', Assets);
  if (Assets?.length) throw invalid('TestingData must have either Assets or AutoCreate, not both.');
  return undefined;
}

type Data = Pick<VersionRequest, 'training' | 'testing' | 'datasets'>;

function readManifests({ TrainingData, TestingData }: Input): Data {
  if (!TrainingData || !TestingData) {
    throw invalid('The project has no datasets, so both TrainingData and TestingData must be given.');
  }
  return {
    training: readManifest('TrainingData', TrainingData.Assets),
    testing: readTesting(TestingData),
  };
}

function readDatasets({ TrainingData, TestingData }: Input, datasets: Dataset[]): Data {
  if (TrainingData || TestingData) {
    throw invalid('The project has datasets, so TrainingData and TestingData must be absent.');
  }
  const id = (type: DatasetType) => datasets.find((dataset) => dataset.type === type)?.id;
  const training = id('TRAIN');
  if (training === undefined) throw invalid('The project has no TRAIN dataset.');
  return { datasets: { training, testing: id('TEST') } };
}

async function readData(input: Input, project: Project, { database }: Context): Promise<Data> {
  const datasets = await listDatasets(database, [project.id]);
  return datasets.length > 0 ? readDatasets(input, datasets) : readManifests(input);
}

export const CreateProjectVersion = defineOperation({
  name: 'CreateProjectVersion',
  input,
  async handle(input, context) {
    const { config, database } = context;
    refuseKey(input.KmsKeyId);
    checkFeatureConfig(input);
    const budget = readBudget(input);
    const output = readOutput(input.OutputConfig);
    const project = await requireProject(input.ProjectArn, context);
    const data = await readData(input, project, context);
    await requireBucket(output.bucket, context);
    const { backbone } = context;
    const request: VersionRequest = {
      ...data,
      output,
      description: input.VersionDescription,
      backbone: backbone && { name: backbone.name, checksum: backbone.checksum },
      ...(budget && { budget }),
    };
    const version = {
      projectArn: input.ProjectArn,
      name: input.VersionName,
      request,
      tags: input.Tags,
      versionLimit: config.maximumVersions,
      busyLimit: config.maximumTrainings,
    };
    // Queues up first: what is asked to change the data sets from now on waits until they are read.
    const turn = context.datasetQueue.enter(trainedDatasets(request));
    try {
      const made = requireMade(await createVersion(database, version), version, 'trainings');
      context.trainings.start(made, turn);
      return { ProjectVersionArn: made.arn };
    } catch (error) {
      turn.done();
      throw error;
    }
  },
});
