import { createHash, type Hash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ChunkSignatures } from '../protocol/sigv4.ts';
import { ByteReader } from './bytes.ts';
import { CHECKSUMS, checksumLength, createSum, type Sum } from './checksums.ts';
import { S3Error } from './errors.ts';

/** Largest body of one request. */
const MAXIMUM_BYTES = 5 * 1024 ** 3;

const UNSIGNED = 'UNSIGNED-PAYLOAD';
const STREAMING = /^STREAMING-(?:UNSIGNED-PAYLOAD|(AWS4-HMAC-SHA256-PAYLOAD))(-TRAILER)?$/;

/** A checksum that the client told, or asked for by `x-amz-sdk-checksum-algorithm`. */
export interface TakenChecksum {
  algorithm: string;
  /** Base64. */
  value: string;
}

/**
 * The body of a request, decoded from the chunks it may come in, and held against every hash and checksum that came
 * with it: a body that differs, or ends early, ends in an S3Error instead of ending.
 */
export class Payload {
  readonly #request: IncomingMessage;
  readonly #headers: IncomingHttpHeaders;
  readonly #onRead: () => void;
  readonly #signatures: (() => Promise<ChunkSignatures>) | undefined;
  /** False where the checksum headers are about something else than the body. */
  hasChecksum = true;
  /** The checksum of the body, once that is read. */
  checksum: TakenChecksum | undefined;

  /**
   * `headers`: the request's, and those that a presigned URL has in its query. `onRead` is called before the first
   * byte is asked for.
   */
  constructor(
    request: IncomingMessage,
    headers: IncomingHttpHeaders,
    onRead: () => void,
    signatures: (() => Promise<ChunkSignatures>) | undefined,
  ) {
    this.#request = request;
    this.#headers = headers;
    this.#onRead = onRead;
    this.#signatures = signatures;
  }

  /** The whole of a small body. */
  async whole(maximumBytes: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.stream()) {
      length += chunk.length;
      if (length > maximumBytes) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async *stream(): AsyncGenerator<Uint8Array, void> {
    const headers = this.#headers;
    const sha256 = headers['x-amz-content-sha256'];
    const streaming = typeof sha256 === 'string' && STREAMING.exec(sha256);
    const length = declaredLength(headers, streaming !== false && streaming !== null);
    const announced = announcedTrailer(headers['x-amz-trailer']);
    const md5 = contentMd5(headers['content-md5']);
    const sum = this.hasChecksum ? await ExpectedSum.create(headers, announced) : undefined;
    const body = createHash('sha256');
    const bodyMd5 = createHash('md5');
    const wholeHash = typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256) ? sha256 : undefined;
    if (sha256 !== undefined && !wholeHash && !streaming && sha256 !== UNSIGNED) {
      throw new S3Error(
        'InvalidArgument',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-…, or a valid sha256 value.',
      );
    }
    this.#onRead();
    const trailers = new Map<string, string>();
    const source = streaming
      ? this.#chunks(streaming[1] !== undefined, streaming[2] !== undefined, trailers)
      : plain(this.#request);
    let received = 0;
    for await (const chunk of source) {
      received += chunk.length;
      if (length !== undefined && received > length) throw incomplete();
      if (wholeHash) body.update(chunk);
      if (md5) bodyMd5.update(chunk);
      sum?.update(chunk);
      yield chunk;
    }
    if (length !== undefined && received !== length) throw incomplete();
    if (wholeHash && body.digest('hex') !== wholeHash.toLowerCase()) {
      throw new S3Error(
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
    if (md5 && !bodyMd5.digest().equals(md5)) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    this.checksum = await sum?.check(trailers);
  }

  /** aws-chunked: `SIZE[;chunk-signature=…]`, the bytes, …, `0`, and the trailers. */
  async *#chunks(
    signed: boolean,
    hasTrailer: boolean,
    trailers: Map<string, string>,
  ): AsyncGenerator<Uint8Array, void> {
    const signatures = signed ? await this.#signatures?.() : undefined;
    if (signed && !signatures) throw new S3Error('InvalidRequest', 'A presigned URL has no signed chunks.');
    const reader = new ByteReader(plain(this.#request), incomplete);
    for (;;) {
      const { size, signature } = chunkHead(await reader.line());
      const hash = createHash('sha256');
      for (let left = size; left > 0; ) {
        const piece = await reader.some(left);
        left -= piece.length;
        if (signed) hash.update(piece);
        yield piece;
      }
      signatures?.verify('PAYLOAD', hash.digest('hex'), signature);
      if (size === 0) break;
      if ((await reader.line()) !== '') throw incomplete();
    }
    if (!hasTrailer) return;
    const covered = createHash('sha256');
    for (let line = await reader.line(); line !== ''; line = await reader.line()) {
      readTrailer(line, trailers, covered);
    }
    const given = trailers.get('x-amz-trailer-signature');
    if (signed) signatures?.verify('TRAILER', covered.digest('hex'), given ?? '');
  }
}

function chunkHead(line: string): { size: number; signature: string } {
  const match = /^([0-9a-f]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line);
  if (!match) throw incomplete();
  return { size: Number.parseInt(match[1]!, 16), signature: match[2] ?? '' };
}

function readTrailer(line: string, trailers: Map<string, string>, covered: Hash): void {
  const [name = '', value = ''] = line.split(/:(.*)/s).map((part) => part.trim());
  trailers.set(name.toLowerCase(), value);
  if (name.toLowerCase() !== 'x-amz-trailer-signature') covered.update(`${name.toLowerCase()}:${value}\n`);
}

async function* plain(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  try {
    // A refusal still wants the connection for its answer.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch {
    throw incomplete(); // the connection broke
  }
  if (!request.complete) throw incomplete();
}

/** Bytes of the decoded body; undefined for one in HTTP's own chunks. */
function declaredLength(headers: IncomingHttpHeaders, streaming: boolean): number | undefined {
  const text = streaming ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  if (text === undefined && !streaming) return undefined;
  const length = typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(length)) {
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (length > MAXIMUM_BYTES) throw tooLarge();
  return length;
}

function contentMd5(header: string | string[] | undefined): Buffer | undefined {
  if (header === undefined) return undefined;
  const bytes = Buffer.from(String(header), 'base64');
  if (bytes.length !== 16 || bytes.toString('base64') !== header) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  }
  return bytes;
}

function announcedTrailer(header: string | string[] | undefined): string | undefined {
  const match = /^x-amz-checksum-(\w+)$/i.exec(String(header ?? '').trim());
  return match?.[1]?.toLowerCase();
}

/** The one checksum that a request may have, in a header or announced as a trailer. */
class ExpectedSum {
  readonly #algorithm: string;
  readonly #value: string | undefined;
  readonly #sum: Sum;

  private constructor(algorithm: string, value: string | undefined) {
    this.#algorithm = algorithm;
    this.#value = value;
    this.#sum = createSum(algorithm)!;
  }

  static async create(
    headers: IncomingHttpHeaders,
    trailer: string | undefined,
  ): Promise<ExpectedSum | undefined> {
    const given = CHECKSUMS.filter((name) => headers[`x-amz-checksum-${name}`] !== undefined);
    if (given.length + (trailer ? 1 : 0) > 1) {
      throw new S3Error(
        'InvalidRequest',
        'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      );
    }
    const algorithm =
      given[0] ?? trailer ?? headers['x-amz-sdk-checksum-algorithm']?.toString().toLowerCase();
    if (algorithm === undefined) return undefined;
    if (!createSum(algorithm)) {
      throw new S3Error('NotImplemented', `The checksum algorithm ${algorithm} is not implemented.`);
    }
    const value = given[0] && String(headers[`x-amz-checksum-${given[0]}`]);
    await checkForm(algorithm, value);
    return new ExpectedSum(algorithm, value);
  }

  update(data: Uint8Array): void {
    this.#sum.update(data);
  }

  async check(trailers: Map<string, string>): Promise<TakenChecksum> {
    const name = `x-amz-checksum-${this.#algorithm}`;
    const expected = this.#value ?? trailers.get(name);
    await checkForm(this.#algorithm, expected);
    const value = Buffer.from(await this.#sum.digest()).toString('base64');
    if (expected !== undefined && expected !== value) {
      throw new S3Error(
        'BadDigest',
        `The ${this.#algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      );
    }
    return { algorithm: this.#algorithm.toUpperCase(), value };
  }
}

async function checkForm(algorithm: string, value: string | undefined): Promise<void> {
  if (value === undefined) return;
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length !== (await checksumLength(algorithm)) || bytes.toString('base64') !== value) {
    throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} header is invalid.`);
  }
}

function incomplete(): S3Error {
  return new S3Error(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  );
}

function tooLarge(): S3Error {
  return new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.');
}
