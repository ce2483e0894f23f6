/** Where an object lies. `version` is an S3 version id; a backend without versions refuses it. */
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
  | 'too-large'
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

/**
 * S3 objects as the rest of the server sees them: a folder tree today, any S3 service behind the same
 * interface. Every method throws {@link ObjectError}.
 */
export interface ObjectStore {
  /** True when the bucket exists and may be read. */
  hasBucket(bucket: string): Promise<boolean>;
  /** Size in bytes. */
  head(ref: ObjectRef): Promise<{ size: number }>;
  /** The whole object; refuses one of more than `maximumBytes` with reason `too-large` before reading it. */
  read(ref: ObjectRef, maximumBytes: number): Promise<Buffer>;
  /** The object as a stream of bytes, for manifests of any size. */
  stream(ref: ObjectRef): Promise<AsyncIterable<Uint8Array>>;
  /** Writes atomically and durably: after a crash the object is the old one or the new one. The bucket must exist. */
  write(ref: Omit<ObjectRef, 'version'>, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>;
}
