/** Where an object lies. `version` is an S3 version id; without one the current version is meant. */
export interface ObjectRef {
  bucket: string;
  key: string;
  version?: string;
}

/** Why an object could not be read or written. */
export type ObjectErrorReason =
  | 'no-bucket'
  | 'no-key'
  | 'denied'
  | 'bad-version'
  | 'bad-key'
  | 'wrong-region'
  | 'too-large'
  | 'unsupported'
  | 'disk-full'
  | 'io';

/** Thrown by every object store; `reason` is what callers decide by, the message names the place. */
export class ObjectError extends Error {
  readonly reason: ObjectErrorReason;

  constructor(reason: ObjectErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ObjectError';
    this.reason = reason;
  }
}

/** Bytes of an object, both ends counted: `{ start: 0, end: 9 }` are the first ten. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ObjectStatus {
  /** In bytes. */
  size: number;
  /** Version id, where the bucket keeps versions. */
  version?: string;
}

export interface WriteOptions {
  /** Encrypt the object with this key (SSE-KMS). A store that can't refuses with reason `unsupported`. */
  kmsKeyId?: string;
}

/**
 * S3 objects as the rest of the server sees them: a folder tree or an S3 service behind the same interface.
 * Every method throws {@link ObjectError}.
 */
export interface ObjectStore {
  /** Reads at a time that hide the store's delay. */
  readonly parallelReads: number;
  /** True when the bucket exists and may be read. */
  hasBucket(bucket: string): Promise<boolean>;
  head(ref: ObjectRef): Promise<ObjectStatus>;
  /** The whole object; refuses one of more than `maximumBytes` with reason `too-large` before reading it. */
  read(ref: ObjectRef, maximumBytes: number): Promise<Buffer>;
  /** The object, or a range of it, as a stream of bytes. */
  stream(ref: ObjectRef, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /**
   * Writes atomically and durably: after a crash the object is the old one or the new one. The bucket must exist.
   * Answers with the version id, where the bucket keeps versions.
   */
  write(
    ref: Omit<ObjectRef, 'version'>,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    options?: WriteOptions,
  ): Promise<{ version?: string }>;
  /** Lets go of connections and files. */
  close(): void;
  /** Keys that begin with `prefix`, in the order of their UTF-8 bytes. */
  list(bucket: string, prefix: string): AsyncIterable<{ key: string; size: number }>;
}

/** `s3://bucket/key`, for messages. */
export function objectUrl({ bucket, key }: Pick<ObjectRef, 'bucket' | 'key'>): string {
  return `s3://${bucket}/${key}`;
}

/** S3's rules for names of old, which allow more than today's: capital letters and underscores. */
const BUCKET_NAME = /^[0-9A-Za-z][0-9A-Za-z._-]{1,253}[0-9A-Za-z]$/;

export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name);
}

export function noSuchBucket(bucket: string): ObjectError {
  return new ObjectError('no-bucket', `The bucket ${bucket} does not exist.`);
}
