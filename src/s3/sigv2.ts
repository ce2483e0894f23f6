import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../access/credentials.ts';
import { S3Error } from './errors.ts';

/** Query parameters that are part of the signed resource. */
const SIGNED =
  /^(acl|cors|delete|lifecycle|location|logging|notification|partNumber|policy|requestPayment|response-(cache-control|content-disposition|content-encoding|content-language|content-type|expires)|restore|tagging|torrent|uploadId|uploads|versionId|versioning|versions|website)$/;

/**
 * Checks a URL presigned by Signature Version 2, which boto3 still makes unless it is told `signature_version='s3v4'`.
 * Source: "Signing and authenticating REST requests (AWS signature version 2)", query string authentication.
 * `bucket` is the one in the Host header, or empty.
 */
export async function verifyPresignedV2(
  { method = '', url = '', headers }: IncomingMessage,
  bucket: string,
  query: URLSearchParams,
  credentials: Credentials,
  now: Date,
): Promise<void> {
  const principal = await credentials.find(query.get('AWSAccessKeyId') ?? '');
  if (!principal) {
    throw new S3Error(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    );
  }
  const expires = query.get('Expires') ?? '';
  if (!/^\d+$/.test(expires) || now.getTime() / 1000 > Number(expires)) {
    throw new S3Error('AccessDenied', 'Request has expired');
  }
  const amz = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${headers[name]}\n`);
  const parameters = [...query]
    .filter(([name]) => SIGNED.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const resource =
    (bucket && `/${bucket}`) + url.split('?')[0] + (parameters.length ? `?${parameters.join('&')}` : '');
  const toSign = [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    expires,
    amz.join('') + resource,
  ].join('\n');
  const expected = createHmac('sha1', principal.secretAccessKey).update(toSign).digest();
  const given = Buffer.from(query.get('Signature') ?? '', 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  }
}
