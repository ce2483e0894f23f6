import { type Dataset, findDataset } from '../store/datasets.ts';
import { findProject, type Project } from '../store/projects.ts';
import type { VersionStatus } from '../store/schema.ts';
import { findVersion, type ProjectVersion } from '../store/versions.ts';
import { ServiceError } from './errors.ts';
import type { Context } from './operation.ts';
import { DatasetArn, ProjectArn, ProjectVersionArn } from './shapes.ts';

/** The statuses in which a version has a model and is going to keep it. */
export const WITH_MODEL: VersionStatus[] = [
  'TRAINING_COMPLETED',
  'STARTING',
  'RUNNING',
  'FAILED',
  'STOPPING',
  'STOPPED',
  'COPYING_COMPLETED',
];

/** Refuses an ARN of another account or Region than the caller's. */
function checkOwner(arn: string, { caller }: Context): void {
  const [, , , region, account] = arn.split(':');
  if (region !== caller.region || account !== caller.account) {
    throw new ServiceError(
      'InvalidParameterException',
      `The resource ${arn} is not in the account ${caller.account} and the Region ${caller.region} of the request.`,
    );
  }
}

export function notFound(arn: string): ServiceError {
  return new ServiceError('ResourceNotFoundException', `The resource ${arn} does not exist.`);
}

/** The project of an ARN. Throws InvalidParameterException and ResourceNotFoundException. */
export async function requireProject(arn: string, context: Context): Promise<Project> {
  checkOwner(arn, context);
  const project = await findProject(context.database, arn);
  if (!project) throw notFound(arn);
  return project;
}

/** The version of an ARN. Throws InvalidParameterException and ResourceNotFoundException. */
export async function requireVersion(arn: string, context: Context): Promise<ProjectVersion> {
  checkOwner(arn, context);
  const version = await findVersion(context.database, arn);
  if (!version) throw notFound(arn);
  return version;
}

/** The data set of an ARN. Throws InvalidParameterException and ResourceNotFoundException. */
export async function requireDataset(arn: string, context: Context): Promise<Dataset> {
  checkOwner(arn, context);
  const dataset = await findDataset(context.database, arn);
  if (!dataset) throw notFound(arn);
  return dataset;
}

/** Throws InvalidParameterException and ResourceNotFoundException unless the ARN is that of a resource with tags. */
export async function requireTaggable(arn: string, context: Context): Promise<void> {
  if (ProjectArn.safeParse(arn).success) await requireProject(arn, context);
  else if (ProjectVersionArn.safeParse(arn).success) await requireVersion(arn, context);
  else if (DatasetArn.safeParse(arn).success) await requireDataset(arn, context);
  else {
    throw new ServiceError(
      'InvalidParameterException',
      `${arn} is not the ARN of a project, a project version or a dataset.`,
    );
  }
}

/** ResourceInUseException for an operation that the version's status doesn't allow. */
export async function inUse(arn: string, context: Context): Promise<ServiceError> {
  // Read again: another request may have moved the version since it was looked up.
  const version = await findVersion(context.database, arn);
  if (!version) return notFound(arn);
  return wrongStatus(version.status);
}

function wrongStatus(status: VersionStatus): ServiceError {
  return new ServiceError('ResourceInUseException', `The project version is in the ${status} state.`);
}
