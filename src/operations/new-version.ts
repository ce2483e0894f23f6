import type { NewVersion, ProjectVersion } from '../store/versions.ts';
import { ServiceError } from './errors.ts';
import { notFound } from './lookup.ts';
import type { Context } from './operation.ts';
import type { OutputConfig } from './shapes.ts';

/** What CreateProjectVersion and CopyProjectVersion share: where results go, and why a version can't be made. */

type Refusal =
  | 'no-project'
  | 'has-datasets'
  | 'datasets-changing'
  | 'name-taken'
  | 'version-limit'
  | 'busy-limit';

/** The place for the result files. Throws InvalidParameterException when no bucket is named. */
export function readOutput({ S3Bucket, S3KeyPrefix }: OutputConfig): { bucket: string; prefix?: string } {
  if (!S3Bucket) throw new ServiceError('InvalidParameterException', 'OutputConfig.S3Bucket must be given.');
  return { bucket: S3Bucket, prefix: S3KeyPrefix };
}

/** Throws InvalidParameterException when the bucket for the result files isn't there. */
export async function requireBucket(bucket: string, { objects }: Context): Promise<void> {
  if (await objects.hasBucket(bucket)) return;
  throw new ServiceError('InvalidParameterException', `The bucket ${bucket} of OutputConfig does not exist.`);
}

/** Throws InvalidParameterException: no key store is attached, and a key is never ignored. */
export function refuseKey(kmsKeyId: string | undefined): void {
  if (kmsKeyId === undefined) return;
  throw new ServiceError('InvalidParameterException', 'KmsKeyId is not supported yet.');
}

/** The version that the store made, or the error that says why it made none; `busy` names what the limit counts. */
export function requireMade(
  made: ProjectVersion | Refusal,
  { projectArn, name, versionLimit, busyLimit }: NewVersion,
  busy: 'trainings' | 'copies',
): ProjectVersion {
  switch (made) {
    case 'no-project':
      throw notFound(projectArn);
    case 'has-datasets':
      throw new ServiceError(
        'InvalidParameterException',
        'The project has datasets, so TrainingData and TestingData must be absent.',
      );
    case 'datasets-changing':
      throw new ServiceError(
        'ResourceInUseException',
        'The datasets of the project must be in the CREATE_COMPLETE or UPDATE_COMPLETE state.',
      );
    case 'name-taken':
      throw new ServiceError(
        'ResourceInUseException',
        `A project version with the name ${name} already exists in the project.`,
      );
    case 'version-limit':
      throw new ServiceError(
        'LimitExceededException',
        `The project has ${versionLimit} versions, which is the maximum.`,
      );
    case 'busy-limit':
      throw new ServiceError(
        'LimitExceededException',
        `${busyLimit} ${busy} are in progress, which is the maximum.`,
      );
    default:
      return made;
  }
}
