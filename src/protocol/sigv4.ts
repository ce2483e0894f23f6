import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import { createScope, getCanonicalHeaders, getSigningKey, SignatureV4Base } from '@smithy/signature-v4';
import type { Credentials, Principal } from '../access/credentials.ts';
import { FrameworkError } from './errors.ts';

/** The parts of a request that a signature covers, as received. `rawHeaders`: name, value, name, value … */
export interface SignedRequest {
  method: string;
  url: string;
  rawHeaders: string[];
}

/** What an Authorization header says, checked as far as that goes without the body. */
export interface Claim {
  accessKeyId: string;
  principal: Principal;
  region: string;
  service: string;
  /** `20261120T161853Z` */
  timestamp: string;
  signedHeaders: string[];
  signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const WINDOW_MINUTES = 5;
/** Seconds: a week. */
const MAXIMUM_EXPIRES = 7 * 24 * 60 * 60;
const HASH_OF_NOTHING = createHash('sha256').digest('hex');
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret ' +
  'Access Key and signing method. Consult the service documentation for details.';

/**
 * Reads the Authorization header and refuses, in this order: none, an incomplete one, an unknown access
 * key, a wrong scope, an instant more than five minutes away. A security token is ignored: the keys here
 * are long-term ones.
 */
export async function readClaim(
  request: SignedRequest,
  service: string,
  credentials: Credentials,
  now: Date,
): Promise<Claim> {
  const header = headerOf(request, 'authorization');
  if (!header)
    throw new FrameworkError(
      'MissingAuthenticationTokenException',
      'Request is missing Authentication Token',
    );
  const { credential, signedHeaders, signature, timestamp } = readParts(request, header);
  const [termination = '', scopeService = '', region = '', date = '', ...key] = credential
    .split('/')
    .reverse();
  const accessKeyId = key.reverse().join('/');
  const principal = await credentials.find(accessKeyId);
  if (!principal) {
    throw new FrameworkError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  }
  checkScope({ termination, service: scopeService, region, date }, service, timestamp);
  checkClock(timestamp, now);
  return { accessKeyId, principal, region, service, timestamp, signedHeaders, signature };
}

/**
 * Throws InvalidSignatureException unless the claim's signature is the one that its principal would have
 * made. The body's own hash counts, so UNSIGNED-PAYLOAD is refused: an unsigned body proves nothing.
 */
export async function verifySignature(claim: Claim, request: SignedRequest, body: Uint8Array): Promise<void> {
  const payloadHash = createHash('sha256').update(body).digest('hex');
  const expected = await new Signer(claim.service).sign(claim, request, payloadHash);
  const claimedHash = headerOf(request, 'x-amz-content-sha256') ?? payloadHash;
  if (!sameText(claim.signature, expected) || !sameText(claimedHash, payloadHash)) {
    throw new FrameworkError('InvalidSignatureException', MISMATCH);
  }
}

/**
 * Throws InvalidSignatureException unless the claim's signature covers a request without a body. Its path may be signed
 * encoded once more, as all services but S3 want it, or as it is sent, as curl 7.88 signs every path.
 */
export async function verifyGetSignature(claim: Claim, request: SignedRequest): Promise<void> {
  for (const escapePath of [true, false]) {
    const expected = await new Signer(claim.service, escapePath).sign(claim, request, HASH_OF_NOTHING);
    if (sameText(claim.signature, expected)) return;
  }
  throw new FrameworkError('InvalidSignatureException', MISMATCH);
}

/** The claim of a presigned URL, whose parts are in the query. Refuses what {@link readClaim} does, and an expired one. */
export async function readPresignedClaim(
  request: SignedRequest,
  service: string,
  credentials: Credentials,
  now: Date,
): Promise<Claim> {
  const { query } = splitUrl(request.url);
  const parameter = (name: string) => query[`X-Amz-${name}`]?.[0] ?? '';
  const expires = Number(parameter('Expires'));
  if (!Number.isInteger(expires) || expires < 1 || expires > MAXIMUM_EXPIRES) {
    throw incomplete('X-Amz-Expires must be between 1 and 604800 seconds');
  }
  const timestamp = parameter('Date');
  const date = parseBasic(timestamp);
  if (!date || Number.isNaN(date.getTime())) {
    throw incomplete("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  // Checked as the header that says the same, but for the clock.
  const header =
    `${parameter('Algorithm')} Credential=${parameter('Credential')}, ` +
    `SignedHeaders=${parameter('SignedHeaders')}, Signature=${parameter('Signature')}`;
  const rawHeaders = [
    ...withoutHeaders(request.rawHeaders, ['authorization', 'x-amz-date']),
    'Authorization',
    header.replace('SignedHeaders=', 'SignedHeaders=x-amz-date;'),
    'X-Amz-Date',
    timestamp,
  ];
  const claim = await readClaim({ ...request, rawHeaders }, service, credentials, date);
  const age = (now.getTime() - date.getTime()) / 1000;
  if (age < -WINDOW_MINUTES * 60) throw incomplete('The URL is not valid yet');
  if (age > expires) throw incomplete('Request has expired');
  return { ...claim, signedHeaders: claim.signedHeaders.filter((name) => name !== 'x-amz-date') };
}

function withoutHeaders(rawHeaders: string[], names: string[]): string[] {
  return rawHeaders.filter((_, i) => !names.includes(rawHeaders[i - (i % 2)]!.toLowerCase()));
}

/**
 * Throws InvalidSignatureException unless the claim's signature covers the request with this payload hash, which is
 * the caller's to hold against the body.
 */
export async function verifyHeadSignature(
  claim: Claim,
  request: SignedRequest,
  payloadHash: string,
): Promise<void> {
  const signer = new Signer(claim.service);
  for (const url of [request.url, reencodePath(request.url)]) {
    if (sameText(claim.signature, await signer.sign(claim, { ...request, url }, payloadHash))) return;
  }
  throw new FrameworkError('InvalidSignatureException', MISMATCH);
}

/** Some clients sign the path in S3's own encoding but send it in another one. */
function reencodePath(url: string): string {
  const [path = '/', search] = url.split(/\?(.*)/s);
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  try {
    const encoded = path.split('/').map((part) => encode(decodeURIComponent(part)));
    return encoded.join('/') + (search === undefined ? '' : `?${search}`);
  } catch {
    return url;
  }
}

/** What follows a claim's signature in a body of signed chunks: each signature covers the one before. */
export interface ChunkSignatures {
  /** Throws InvalidSignatureException unless it is the signature of the next chunk with this SHA-256. */
  verify(kind: 'PAYLOAD' | 'TRAILER', sha256: string, signature: string): void;
}

/** Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks". */
export async function chunkSignatures(claim: Claim): Promise<ChunkSignatures> {
  const { timestamp, region, service, accessKeyId, principal } = claim;
  const date = timestamp.slice(0, 8);
  const owner = { accessKeyId, secretAccessKey: principal.secretAccessKey };
  const key = await getSigningKey(Sha256, owner, date, region, service);
  const scope = createScope(date, region, service);
  let previous = claim.signature;
  return {
    verify(kind, sha256, signature) {
      const hashes = kind === 'PAYLOAD' ? [HASH_OF_NOTHING, sha256] : [sha256];
      const toSign = [`${ALGORITHM}-${kind}`, timestamp, scope, previous, ...hashes].join('\n');
      previous = createHmac('sha256', key).update(toSign).digest('hex');
      if (!sameText(previous, signature)) throw new FrameworkError('InvalidSignatureException', MISMATCH);
    },
  };
}

/** The SDKs' own canonical request, over exactly the headers that were signed. */
class Signer extends SignatureV4Base {
  /** S3 alone signs the path as it is, all others encode it once more. */
  constructor(service: string, uriEscapePath = service !== 's3') {
    const nobody = { accessKeyId: '', secretAccessKey: '' };
    super({ service, region: '', credentials: nobody, sha256: Sha256, uriEscapePath });
  }

  async sign(claim: Claim, request: SignedRequest, payloadHash: string): Promise<string> {
    const { signedHeaders, timestamp, region, service, principal, accessKeyId } = claim;
    const headers = Object.fromEntries(signedHeaders.map((name) => [name, headerOf(request, name)!]));
    const { path, query } = splitUrl(request.url);
    const canonicalRequest = this.createCanonicalRequest(
      { method: request.method, protocol: 'http:', hostname: '', path, query, headers },
      getCanonicalHeaders(
        { method: '', protocol: '', hostname: '', path: '', headers },
        undefined,
        new Set(signedHeaders),
      ),
      payloadHash,
    );
    const date = timestamp.slice(0, 8);
    const scope = createScope(date, region, service);
    const toSign = await this.createStringToSign(timestamp, scope, canonicalRequest, ALGORITHM);
    const owner = { accessKeyId, secretAccessKey: principal.secretAccessKey };
    const hmac = new Sha256(await getSigningKey(Sha256, owner, date, region, service));
    hmac.update(toSign);
    return Buffer.from(await hmac.digest()).toString('hex');
  }
}

/** A header's value, repeated ones joined as SigV4 joins them. */
function headerOf({ rawHeaders }: SignedRequest, name: string): string | undefined {
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
  return values.length === 0 ? undefined : values.map((value) => value.trim()).join(',');
}

function splitUrl(url: string): { path: string; query: Record<string, string[]> } {
  const [path = '/', search = ''] = url.split(/\?(.*)/s);
  const query: Record<string, string[]> = {};
  for (const [key, value] of new URLSearchParams(search.replaceAll('+', '%2B'))) {
    query[key] = [...(Object.hasOwn(query, key) ? query[key]! : []), value];
  }
  return { path, query };
}

function readParts(request: SignedRequest, header: string) {
  const fields = fieldsOf(header);
  const dateHeader = headerOf(request, 'x-amz-date') === undefined ? 'date' : 'x-amz-date';
  const instant = headerOf(request, dateHeader);
  const missing = ['Credential', 'Signature', 'SignedHeaders']
    .filter((name) => !fields.get(name))
    .map((name) => `Authorization header requires '${name}' parameter. `);
  if (!instant) {
    missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
  }
  if (missing.length > 0 || !instant) throw incomplete(`${missing.join('')}Authorization=${header}`);
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw incomplete(`Unsupported AWS 'algorithm': '${header.split(' ')[0]}', use '${ALGORITHM}'.`);
  }
  const credential = fields.get('Credential')!;
  if (credential.split('/').length < 5) {
    throw incomplete(
      `Credential must have at least 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    );
  }
  const timestamp = timestampOf(instant);
  const signedHeaders = fields.get('SignedHeaders')!.toLowerCase().split(';');
  for (const name of ['host', dateHeader]) {
    if (!signedHeaders.includes(name)) {
      throw new FrameworkError(
        'InvalidSignatureException',
        `'${name}' must be a 'SignedHeader' in the AWS Authorization.`,
      );
    }
  }
  return { credential, signedHeaders, signature: fields.get('Signature')!, timestamp };
}

const incomplete = (message: string) => new FrameworkError('IncompleteSignatureException', message);

/** `Credential=…, SignedHeaders=…, Signature=…`, with or without the spaces. */
function fieldsOf(header: string): Map<string, string> {
  const parameters = header.slice(header.indexOf(' ') + 1).split(',');
  return new Map(
    parameters.map((parameter) => {
      const [name = '', value = ''] = parameter.trim().split(/=(.*)/s);
      return [name, value] as const;
    }),
  );
}

/** X-Amz-Date is in basic form already; a Date header may be an HTTP date. */
function timestampOf(instant: string): string {
  const date = parseBasic(instant) ?? new Date(/GMT$/.test(instant) ? instant : Number.NaN);
  if (Number.isNaN(date.getTime())) {
    throw incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${instant}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  return basic(date);
}

function parseBasic(text: string): Date | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second] = parts;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

const basic = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, '');

interface Scope {
  date: string;
  region: string;
  service: string;
  termination: string;
}

function checkScope(scope: Scope, service: string, timestamp: string): void {
  const wrong: string[] = [];
  if (!/^[a-z\d-]{1,64}$/.test(scope.region)) {
    wrong.push(`Credential should be scoped to a valid Region, not '${scope.region}'. `);
  }
  if (scope.service !== service) wrong.push(`Credential should be scoped to correct service: '${service}'. `);
  if (scope.termination !== 'aws4_request') {
    wrong.push(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${scope.termination}'. `,
    );
  }
  const day = timestamp.slice(0, 8);
  if (scope.date !== day) {
    wrong.push(
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        `'${scope.date}' != '${day}', from '${timestamp}'.`,
    );
  }
  if (wrong.length > 0) throw new FrameworkError('InvalidSignatureException', wrong.join(''));
}

function checkClock(timestamp: string, now: Date): void {
  const minutes = (n: number) => new Date(now.getTime() + n * 60_000);
  const signed = parseBasic(timestamp)!;
  const earliest = minutes(-WINDOW_MINUTES);
  const latest = minutes(WINDOW_MINUTES);
  // Whole seconds, as the timestamps are.
  if (basic(signed) < basic(earliest)) {
    throw new FrameworkError(
      'InvalidSignatureException',
      `Signature expired: ${timestamp} is now earlier than ${basic(earliest)} (${basic(now)} - ${WINDOW_MINUTES} min.)`,
    );
  }
  if (basic(signed) > basic(latest)) {
    throw new FrameworkError(
      'InvalidSignatureException',
      `Signature not yet current: ${timestamp} is still later than ${basic(latest)} (${basic(now)} + ${WINDOW_MINUTES} min.)`,
    );
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
