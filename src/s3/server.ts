import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Credentials } from '../access/credentials.ts';
import type { Logger } from '../logger.ts';
import type { FolderBuckets } from '../objects/folder/buckets.ts';
import {
  type Claim,
  chunkSignatures,
  readClaim,
  readPresignedClaim,
  verifyHeadSignature,
} from '../protocol/sigv4.ts';
import { addressOf } from './address.ts';
import type { Answer, FileBody, Handler } from './call.ts';
import { setCorsHeaders } from './cors.ts';
import { S3Error, toS3Error } from './errors.ts';
import { Payload } from './payload.ts';
import { refuseUnsupportedHeaders } from './properties.ts';
import { route } from './route.ts';
import { verifyPresignedV2 } from './sigv2.ts';
import { writeErrorXml } from './xml.ts';

/*
 * The order in which a request is refused
 *   1. path that can't be decoded                    InvalidURI
 *   2. no, half, expired or wrong signature          AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch …
 *   3. operation that isn't here                     NotImplemented, MethodNotAllowed
 *   4. headers that ask for what isn't there         NotImplemented
 *   5. existence, conditions, document               by the operation
 *   6. body: length, chunks, hashes, checksums       while it is read; nothing is stored before it ends well
 */

const SERVICE = 's3';

/** Milliseconds without a byte after which a connection is given up. */
const SILENCE_MS = 60_000;

/** Objects up to here are read in one go. */
const SMALL = 1024 * 1024;

export interface S3Options {
  /** Undefined when the buckets are on another service: then every request is refused with the reason. */
  buckets: FolderBuckets | undefined;
  credentials: Credentials;
  /** The server's Region and account. */
  region: string;
  accountId: string;
  /** `NAME.domain` in the Host header names a bucket. */
  domain: string;
  now?: () => Date;
  logger: Logger;
}

/** True for a request that is meant for S3: its signature says so, in a header or in the query. */
export function isS3Request({ method, headers, url = '' }: IncomingMessage): boolean {
  if (method === 'OPTIONS') return false; // a browser's question about any service
  const { authorization = '' } = headers;
  if (/Credential=[^,\s]*\/s3\/aws4_request/.test(authorization) || authorization.startsWith('AWS '))
    return true;
  return (
    /[?&]X-Amz-Credential=[^&]*(\/|%2F)s3(\/|%2F)aws4_request/i.test(url) || /[?&]AWSAccessKeyId=/.test(url)
  );
}

/** Answers the S3 requests of one server. */
export function createS3Handler(options: S3Options) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const begun = performance.now();
    const id = randomUUID();
    let name = `${request.method} ${(request.url ?? '').slice(0, 100)}`;
    let code = '';
    response.setHeader('x-amz-request-id', id);
    response.setHeader('x-amz-id-2', id);
    response.setHeader('Server', 'Ocellus');
    if (request.headers.origin !== undefined) setCorsHeaders(response);
    request.socket.setTimeout(SILENCE_MS);
    try {
      const answer = await handle(options, request, response, (handler) => {
        name = handler.name;
      });
      await send(request, response, answer);
    } catch (thrown) {
      const error = toS3Error(thrown);
      if (!error) options.logger.error({ err: thrown, requestId: id }, 's3: unexpected error');
      code = error?.code ?? 'InternalError';
      sendError(
        request,
        response,
        error ?? new S3Error('InternalError', 'We encountered an internal error. Please try again.'),
        id,
      );
    }
    const outcome = [response.statusCode, code].filter(Boolean).join(' ');
    options.logger.info(
      { requestId: id },
      `s3 ${name} ${outcome} ${Math.round(performance.now() - begun)} ms`,
    );
  };
}

async function handle(
  options: S3Options,
  request: IncomingMessage,
  response: ServerResponse,
  onRoute: (handler: Handler) => void,
): Promise<Answer> {
  const { buckets, region, accountId, credentials, domain } = options;
  const { bucket, key, query, hostBucket } = addressOf(request, domain);
  const claim = await authenticate(
    request,
    hostBucket,
    query,
    credentials,
    (options.now ?? (() => new Date()))(),
  );
  if (!buckets) {
    throw new S3Error(
      'NotImplemented',
      'The buckets of this server are on another S3 service: send S3 requests there.',
    );
  }
  const { method = '' } = request;
  // A presigned URL may have in its query what else is in headers. Not the checksum: the SDK for JavaScript puts that of
  // an empty body there, since it doesn't know the body yet.
  const inQuery = [...query].filter(([name]) => /^x-amz-(?!checksum|sdk-)/.test(name));
  const headers = { ...(claim ? {} : Object.fromEntries(inQuery)), ...request.headers };
  const handler = route(method, bucket, key, query, headers);
  onRoute(handler);
  refuseUnsupportedHeaders(headers);
  const owner = headers['x-amz-expected-bucket-owner'];
  if (owner !== undefined && owner !== accountId) throw new S3Error('AccessDenied', 'Access Denied');
  const onRead = () => {
    if (headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
  };
  const signatures = claim && (() => chunkSignatures(claim));
  const payload = new Payload(request, headers, onRead, signatures);
  return await handler({ buckets, region, account: accountId, bucket, key, query, headers, payload });
}

/** The claim of a signed request; undefined for a presigned URL, whose body has no signatures. */
async function authenticate(
  request: IncomingMessage,
  hostBucket: string,
  query: URLSearchParams,
  credentials: Credentials,
  now: Date,
): Promise<Claim | undefined> {
  const { authorization = '', 'x-amz-content-sha256': sha256 } = request.headers;
  if (authorization.startsWith('AWS ')) {
    throw new S3Error(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    );
  }
  if (query.has('AWSAccessKeyId')) {
    await verifyPresignedV2(request, hostBucket, query, credentials, now);
    return undefined;
  }
  // Node reads headers as Latin-1, clients sign UTF-8.
  const rawHeaders = request.rawHeaders.map((text) => Buffer.from(text, 'latin1').toString());
  const signed = { method: request.method!, url: request.url!, rawHeaders };
  if (query.has('X-Amz-Signature')) {
    const claim = await readPresignedClaim(signed, SERVICE, credentials, now);
    const inHeader = claim.signedHeaders.includes('x-amz-content-sha256') ? sha256 : undefined;
    const hash = inHeader ?? query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD';
    await verifyHeadSignature(claim, signed, String(hash));
    return undefined;
  }
  const claim = await readClaim(signed, SERVICE, credentials, now);
  if (sha256 === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  await verifyHeadSignature(claim, signed, String(sha256));
  return claim;
}

async function send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const { status = 200, headers = {}, body } = answer;
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) response.setHeader(name, value);
  response.statusCode = status;
  if (typeof body === 'object') return await sendFile(request, response, body);
  if (body !== undefined) response.setHeader('Content-Type', 'application/xml');
  if (status !== 204) response.setHeader('Content-Length', Buffer.byteLength(body ?? ''));
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { handle, start, end }: FileBody,
): Promise<void> {
  try {
    const length = end - start + 1;
    if (request.method === 'HEAD' || length === 0) {
      response.end();
    } else if (length <= SMALL) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, start);
      if (bytesRead < length)
        response.destroy(); // somebody cut the file off meanwhile
      else response.end(buffer);
    } else {
      await pipeline(
        handle.createReadStream({ start, end, autoClose: false, highWaterMark: SMALL }),
        response,
      );
    }
  } catch {
    response.destroy(); // the client went away, or the disk failed: the status is sent already
  } finally {
    await handle.close();
  }
}

function sendError(request: IncomingMessage, response: ServerResponse, error: S3Error, id: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  response.statusCode = error.status;
  // A client that waits to be told to go on, and isn't, may send its body or not: the connection can't be used again.
  if (request.headers.expect !== undefined && !request.complete) response.setHeader('Connection', 'close');
  if (request.method === 'HEAD' || error.status === 304) {
    response.end();
    return;
  }
  const body = writeErrorXml({
    Code: error.code,
    Message: error.message,
    Resource: request.url?.split('?')[0],
    RequestId: id,
    HostId: id,
  });
  response.setHeader('Content-Type', 'application/xml');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}
