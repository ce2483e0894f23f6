import { ObjectError, type ObjectErrorReason } from '../objects/objects.ts';
import { FrameworkError, type FrameworkErrorCode } from '../protocol/errors.ts';

const STATUS = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InsufficientStorage: 507,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidStorageClass: 400,
  InvalidTag: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NotImplemented: 501,
  NotModified: 304,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type S3ErrorCode = keyof typeof STATUS;

/** An error as S3 answers it. */
export class S3Error extends Error {
  readonly code: S3ErrorCode;
  /** Response headers besides the usual ones. */
  readonly headers: Record<string, string>;

  constructor(code: S3ErrorCode, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.headers = headers;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

const BY_REASON: Partial<Record<ObjectErrorReason, [S3ErrorCode, string]>> = {
  'no-bucket': ['NoSuchBucket', 'The specified bucket does not exist'],
  'no-key': ['NoSuchKey', 'The specified key does not exist.'],
  'bad-version': ['NoSuchVersion', 'The specified version does not exist.'],
  denied: ['AccessDenied', 'Access Denied'],
  'disk-full': ['InsufficientStorage', 'The disk of the server is full.'],
};

const BY_FRAMEWORK: Partial<Record<FrameworkErrorCode, S3ErrorCode>> = {
  IncompleteSignatureException: 'AuthorizationHeaderMalformed',
  MissingAuthenticationTokenException: 'AccessDenied',
  UnrecognizedClientException: 'InvalidAccessKeyId',
};

/** Anything thrown as an S3Error, or undefined for what nobody foresaw. */
export function toS3Error(thrown: unknown): S3Error | undefined {
  if (thrown instanceof S3Error) return thrown;
  if (thrown instanceof FrameworkError) return fromFramework(thrown);
  if (!(thrown instanceof ObjectError)) return undefined;
  if (thrown.reason === 'bad-key') return badKey(thrown);
  const known = BY_REASON[thrown.reason];
  if (known) return new S3Error(...known);
  // A body that refuses itself, or a client that went away, comes wrapped by the store.
  return toS3Error(thrown.cause);
}

function badKey({ message }: ObjectError): S3Error {
  if (message.includes('longer than')) return new S3Error('KeyTooLongError', 'Your key is too long');
  return new S3Error('InvalidArgument', message);
}

function fromFramework({ code, message }: FrameworkError): S3Error {
  if (code === 'InvalidSignatureException') {
    if (/^Signature (expired|not yet)/.test(message)) return new S3Error('RequestTimeTooSkewed', message);
    const malformed = message.startsWith('Credential') || message.includes("'SignedHeader'");
    return new S3Error(malformed ? 'AuthorizationHeaderMalformed' : 'SignatureDoesNotMatch', message);
  }
  if (/has expired|not valid yet/.test(message)) return new S3Error('AccessDenied', message);
  return new S3Error(BY_FRAMEWORK[code] ?? 'InvalidRequest', message);
}
