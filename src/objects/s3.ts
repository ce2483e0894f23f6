import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  type ByteRange,
  isBucketName,
  noSuchBucket,
  ObjectError,
  type ObjectErrorReason,
  type ObjectRef,
  type ObjectStatus,
  type ObjectStore,
  objectUrl,
  type WriteOptions,
} from './objects.ts';

export interface S3Settings {
  /** `https://s3.eu-central-1.amazonaws.com`, `http://minio:9000` … */
  endpoint: string;
  region: string;
  /** True for `endpoint/bucket/key`, false for `bucket.endpoint/key`. */
  pathStyle: boolean;
  /** Absent: the SDK's own search (environment, shared files, instance role). */
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

const ATTEMPTS = 4;
const CONNECT_MS = 5_000;
/** Without a byte from the service for so long, a request is given up and tried again. */
const SILENCE_MS = 30_000;
const SOCKETS = 64;

/** A body up to here is one request; a longer one is uploaded in parts of this size, at most 10,000 of them. */
const PART_BYTES = 16 * 1024 * 1024;

/** By the code of the service's error, by the HTTP status where there is none (HEAD has no body). */
const REASONS: Record<string, ObjectErrorReason> = {
  NoSuchBucket: 'no-bucket',
  NoSuchKey: 'no-key',
  NoSuchVersion: 'bad-version',
  InvalidArgument: 'bad-key',
  KeyTooLongError: 'bad-key',
  InvalidBucketName: 'no-bucket',
  MethodNotAllowed: 'no-key',
  PermanentRedirect: 'wrong-region',
  AuthorizationHeaderMalformed: 'wrong-region',
  IllegalLocationConstraintException: 'wrong-region',
  NotImplemented: 'unsupported',
};
const STATUS_REASONS: Record<number, ObjectErrorReason> = {
  301: 'wrong-region',
  401: 'denied',
  403: 'denied',
  405: 'no-key',
  501: 'unsupported',
  507: 'disk-full',
};

/** Buckets on an S3 service of any make. */
export class S3Objects implements ObjectStore {
  readonly parallelReads = 24;
  readonly #client: S3Client;

  constructor({ endpoint, region, pathStyle, credentials }: S3Settings) {
    this.#client = new S3Client({
      endpoint,
      region,
      forcePathStyle: pathStyle,
      credentials,
      maxAttempts: ATTEMPTS,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        requestTimeout: SILENCE_MS,
        socketTimeout: SILENCE_MS,
        throwOnRequestTimeout: true,
        httpAgent: { maxSockets: SOCKETS, keepAlive: true },
        httpsAgent: { maxSockets: SOCKETS, keepAlive: true },
      },
    });
  }

  close(): void {
    this.#client.destroy();
  }

  async hasBucket(bucket: string): Promise<boolean> {
    if (!isBucketName(bucket)) return false;
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: bucket }));
      return true;
    } catch (cause) {
      const error = wrap(cause, `The bucket ${bucket}`, 'no-bucket');
      if (error.reason === 'io') throw error;
      return false;
    }
  }

  async head(ref: ObjectRef): Promise<ObjectStatus> {
    try {
      const { ContentLength, VersionId } = await this.#client.send(new HeadObjectCommand(input(ref)));
      return { size: ContentLength ?? 0, ...(VersionId && { version: VersionId }) };
    } catch (cause) {
      // HEAD's answer has no body that could name the cause; that of a GET has.
      return await this.#explain(ref, cause);
    }
  }

  async #explain(ref: ObjectRef, cause: unknown): Promise<ObjectStatus> {
    const status = cause instanceof S3ServiceException ? cause.$metadata.httpStatusCode : undefined;
    if (status !== 404 && status !== 400) throw wrap(cause, objectUrl(ref));
    const { Body, ContentRange, VersionId } = await this.#get(ref, { start: 0, end: 0 });
    Body.destroy();
    const size = Number(ContentRange?.split('/')[1] ?? 0);
    return { size, ...(VersionId && { version: VersionId }) };
  }

  async read(ref: ObjectRef, maximumBytes: number): Promise<Buffer> {
    const answer = await this.#get(ref);
    const { ContentLength: size = Number.NaN, Body } = answer;
    if (!(size <= maximumBytes)) {
      Body.destroy();
      throw new ObjectError('too-large', `${objectUrl(ref)} has ${size} bytes, more than ${maximumBytes}.`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#resuming(ref, answer, 0)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async stream(ref: ObjectRef, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    return this.#resuming(ref, await this.#get(ref, range), range?.start ?? 0);
  }

  /** An answer's body; when the connection breaks the rest is asked for, of the same object. */
  async *#resuming(
    ref: ObjectRef,
    { Body, ContentLength: size = 0, ETag }: Answer,
    start: number,
  ): AsyncGenerator<Uint8Array> {
    let done = 0;
    let source: AsyncIterable<Uint8Array> = Body;
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const chunk of source) {
          done += chunk.length;
          yield chunk;
        }
        if (done === size) return;
        throw new Error(`the service sent ${done} of ${size} bytes`);
      } catch (cause) {
        if (attempt === ATTEMPTS || done >= size) throw wrap(cause, objectUrl(ref));
        const rest = { start: start + done, end: start + size - 1 };
        source = (await this.#get(ref, rest, ETag)).Body;
      }
    }
  }

  async #get(ref: ObjectRef, range?: ByteRange, etag?: string): Promise<Answer> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({
          ...input(ref),
          ...(range && { Range: `bytes=${range.start}-${range.end}` }),
          ...(etag && { IfMatch: etag }),
        }),
      );
      return { ...answer, Body: answer.Body as NodeBody };
    } catch (cause) {
      const error = wrap(cause, objectUrl(ref));
      // Said of a version id of a form that the service doesn't know.
      if (error.reason !== 'bad-key' || ref.version === undefined) throw error;
      throw new ObjectError('bad-version', error.message, { cause });
    }
  }

  async write(
    ref: Omit<ObjectRef, 'version'>,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    { kmsKeyId }: WriteOptions = {},
  ): Promise<{ version?: string }> {
    const target = {
      ...input(ref),
      ...(kmsKeyId && { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKeyId }),
    };
    try {
      const parts = body instanceof Uint8Array ? whole(body) : inParts(body);
      const first = await parts.next();
      const second = await parts.next();
      const { VersionId } = second.done
        ? await this.#client.send(new PutObjectCommand({ ...target, Body: first.value as Uint8Array }))
        : await this.#upload(target, [first.value as Buffer, second.value], parts);
      return VersionId ? { version: VersionId } : {};
    } catch (cause) {
      throw wrap(cause, objectUrl(ref));
    }
  }

  async #upload(
    target: { Bucket: string; Key: string },
    begun: Uint8Array[],
    rest: AsyncIterable<Uint8Array>,
  ): Promise<{ VersionId?: string }> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target));
    const upload = { Bucket: target.Bucket, Key: target.Key, UploadId };
    const Parts: CompletedPart[] = [];
    const send = async (Body: Uint8Array) => {
      const PartNumber = Parts.length + 1;
      const { ETag } = await this.#client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    };
    try {
      for (const part of begun) await send(part);
      for await (const part of rest) await send(part);
      return await this.#client.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
      );
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
      throw error;
    }
  }

  async *list(bucket: string, prefix: string): AsyncIterable<{ key: string; size: number }> {
    let token: string | undefined;
    do {
      try {
        const page = await this.#client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
        );
        for (const { Key, Size } of page.Contents ?? []) yield { key: Key!, size: Size ?? 0 };
        token = page.NextContinuationToken;
      } catch (cause) {
        throw wrap(cause, `s3://${bucket}/${prefix}`);
      }
    } while (token !== undefined);
  }
}

type NodeBody = Exclude<GetObjectCommandOutput['Body'], undefined> &
  AsyncIterable<Uint8Array> & { destroy(): void };

type Answer = Omit<GetObjectCommandOutput, 'Body'> & { Body: NodeBody };

/** Throws for what the SDK would not send. */
function input({ bucket, key, version }: ObjectRef) {
  if (!isBucketName(bucket)) throw noSuchBucket(bucket);
  if (key === '') throw new ObjectError('bad-key', `s3://${bucket}/: the key is empty.`);
  return { Bucket: bucket, Key: key, ...(version !== undefined && { VersionId: version }) };
}

async function* whole(body: Uint8Array): AsyncGenerator<Uint8Array, undefined> {
  yield body;
}

/** A stream in buffers of the size of a part; a single empty one for an empty stream. */
async function* inParts(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    pending.push(chunk);
    length += chunk.length;
    while (length >= PART_BYTES) {
      const all = Buffer.concat(pending);
      yield all.subarray(0, PART_BYTES);
      pending = [all.subarray(PART_BYTES)];
      length -= PART_BYTES;
    }
  }
  yield Buffer.concat(pending);
}

/** `absent`: what a bare 404 means. */
function wrap(cause: unknown, place: string, absent: ObjectErrorReason = 'no-key'): ObjectError {
  if (cause instanceof ObjectError) return cause;
  if (!(cause instanceof S3ServiceException)) {
    return new ObjectError('io', `${place}: ${(cause as Error).message}`, { cause });
  }
  const status = cause.$metadata.httpStatusCode ?? 0;
  const reason = REASONS[cause.name] ?? (status === 404 ? absent : STATUS_REASONS[status]) ?? 'io';
  return new ObjectError(reason, `${place}: ${cause.name} (${status}) ${cause.message}`, { cause });
}
