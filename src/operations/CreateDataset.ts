import { z } from 'zod';
import { ObjectError, type ObjectRef } from '../objects/objects.ts';
import { createDataset, type Dataset, type NewDataset } from '../store/datasets.ts';
import { ServiceError } from './errors.ts';
import { notFound, requireDataset, requireProject } from './lookup.ts';
import { type Context, defineOperation } from './operation.ts';
import { DatasetSource, DatasetType, ProjectArn, Tags } from './shapes.ts';

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

/** The manifest to import, if there is one. Its contents are checked later. */
async function readManifest(
  { GroundTruthManifest }: DatasetSource,
  { objects }: Context,
): Promise<ObjectRef | undefined> {
  if (!GroundTruthManifest) return undefined;
  const { Bucket, Name, Version } = GroundTruthManifest.S3Object ?? {};
  if (!Bucket || !Name) {
    throw invalid('DatasetSource.GroundTruthManifest must name the Bucket and the Name of an S3Object.');
  }
  const manifest = { bucket: Bucket, key: Name, version: Version };
  try {
    await objects.head(manifest);
    return manifest;
  } catch (error) {
    if (!(error instanceof ObjectError) || error.reason === 'io') throw error;
    throw new ServiceError(
      'InvalidS3ObjectException',
      'Unable to get object metadata from S3. Check object key, region and/or access permissions.',
    );
  }
}

async function create(
  dataset: NewDataset,
  source: Dataset | undefined,
  { database }: Context,
): Promise<Dataset> {
  const { projectArn, type } = dataset;
  const created = await createDataset(database, dataset);
  switch (created) {
    case 'no-project':
      throw notFound(projectArn);
    case 'exists':
      throw new ServiceError('ResourceAlreadyExistsException', `The project has a ${type} dataset already.`);
    case 'source-not-ready':
      throw invalid(`The dataset ${source?.arn} can not be copied: it must be created and not be changing.`);
    default:
      return created;
  }
}

export const CreateDataset = defineOperation({
  name: 'CreateDataset',
  input: z.object({
    DatasetSource: DatasetSource.optional(),
    DatasetType,
    ProjectArn,
    Tags: Tags.optional(),
  }),
  async handle(input, context) {
    const { DatasetSource = {}, DatasetType: type, ProjectArn: projectArn, Tags: tags } = input;
    if (DatasetSource.GroundTruthManifest && DatasetSource.DatasetArn) {
      throw invalid('DatasetSource must have either GroundTruthManifest or DatasetArn, not both.');
    }
    await requireProject(projectArn, context);
    const { DatasetArn } = DatasetSource;
    const source = DatasetArn === undefined ? undefined : await requireDataset(DatasetArn, context);
    const manifest = await readManifest(DatasetSource, context);
    if (source) return await createCopy({ projectArn, type, tags }, source, context);
    const job = manifest && { kind: 'import' as const, manifest };
    const dataset = await create({ projectArn, type, tags, job }, source, context);
    if (job) context.datasets.start(dataset);
    return { DatasetArn: dataset.arn };
  },
});

/** Queues up first: what is asked to change the source from now on waits for the copy. */
async function createCopy(dataset: NewDataset, source: Dataset, context: Context) {
  const turn = context.datasetQueue.enter([source.id]);
  try {
    const job = { kind: 'copy' as const, source: source.id };
    const created = await create({ ...dataset, job }, source, context);
    context.datasets.start(created, turn);
    return { DatasetArn: created.arn };
  } catch (error) {
    turn.done();
    throw error;
  }
}
