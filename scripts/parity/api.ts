import { datasets } from './datasets.ts';
import { images } from './images.ts';
import { projects } from './projects.ts';
import type { OperationShape } from './shape.ts';

/** The operations of the API that Ocellus is about, as they are documented. */
export const api: Record<string, OperationShape> = { ...projects, ...datasets, ...images };

/** Errors that every operation models. */
export const COMMON_ERRORS = [
  'AccessDeniedException',
  'InternalServerError',
  'InvalidParameterException',
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
];

/** Errors outside the model, of every operation too: the protocol answers with them before an operation runs. */
export const FRAMEWORK_ERRORS = [
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InternalFailure',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'RequestEntityTooLargeException',
  'SerializationException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'ValidationException',
];
