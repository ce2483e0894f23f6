/** The codes that the service models; each answers with `Code`, `Logref` and a capital `Message`. */
export type ServiceErrorCode =
  | 'AccessDeniedException'
  | 'HumanLoopQuotaExceededException'
  | 'IdempotentParameterMismatchException'
  | 'ImageTooLargeException'
  | 'InternalServerError'
  | 'InvalidImageFormatException'
  | 'InvalidManifestException'
  | 'InvalidPaginationTokenException'
  | 'InvalidParameterException'
  | 'InvalidPolicyRevisionIdException'
  | 'InvalidS3ObjectException'
  | 'LimitExceededException'
  | 'MalformedPolicyDocumentException'
  | 'ProvisionedThroughputExceededException'
  | 'ResourceAlreadyExistsException'
  | 'ResourceInUseException'
  | 'ResourceNotFoundException'
  | 'ResourceNotReadyException'
  | 'ServiceQuotaExceededException'
  | 'ThrottlingException';

/**
 * An error that an operation answers with. Operations throw it; `protocol/` alone turns it into a response.
 * The message is read by users: it says what is wrong and, where that isn't plain, what to do next.
 */
export class ServiceError extends Error {
  readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, message: string) {
    super(message);
    this.name = code;
    this.code = code;
  }
}
