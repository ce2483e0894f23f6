import { type Dataset, READY } from '../store/datasets.ts';
import { ServiceError, type ServiceErrorCode } from './errors.ts';
import { requireDataset } from './lookup.ts';
import type { Context } from './operation.ts';

/** The error for what a data set's status doesn't allow. */
export function changing({ arn, status }: Dataset, code: ServiceErrorCode): ServiceError {
  if (status === 'CREATE_FAILED') {
    const message = `The dataset ${arn} could not be created. Delete it, and create it again.`;
    return new ServiceError(code === 'ResourceInUseException' ? 'InvalidParameterException' : code, message);
  }
  return new ServiceError(code, `The dataset ${arn} is in the ${status} state.`);
}

/**
 * The data set of an ARN if its entries can be listed. Throws InvalidParameterException, ResourceNotFoundException,
 * ResourceNotReadyException before it was created, and ResourceInUseException while it is changed.
 */
export async function requireListable(arn: string, context: Context): Promise<Dataset> {
  const dataset = await requireDataset(arn, context);
  if (READY.includes(dataset.status)) return dataset;
  const created = !dataset.status.startsWith('CREATE_');
  throw changing(dataset, created ? 'ResourceInUseException' : 'ResourceNotReadyException');
}
