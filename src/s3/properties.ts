import type { IncomingHttpHeaders } from 'node:http';
import type { Properties } from '../objects/folder/catalogue.ts';
import { S3Error } from './errors.ts';

/** Headers that are kept with an object and answered with it. */
const KEPT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];
const MAXIMUM_METADATA_BYTES = 2048;
const MAXIMUM_TAGS = 10;

/** Headers that ask for what isn't there, unless they ask for what is the case anyway. */
const UNSUPPORTED: [header: RegExp, harmless: RegExp | undefined][] = [
  [/^x-amz-(copy-source-)?server-side-encryption/, undefined],
  [/^x-amz-acl$/, /^(private|bucket-owner-full-control|bucket-owner-read)$/],
  [/^x-amz-grant-/, undefined],
  [/^x-amz-storage-class$/, /^STANDARD$/],
  [/^x-amz-object-lock-/, undefined],
  [/^x-amz-bucket-object-lock-enabled$/, /^false$/i],
  [/^x-amz-object-ownership$/, /^BucketOwnerEnforced$/],
  [/^x-amz-website-redirect-location$/, undefined],
  [/^x-amz-write-offset-bytes$/, undefined],
  [/^x-amz-mfa$/, undefined],
  [/^x-amz-if-match-(last-modified-time|size)$/, undefined],
  // Nothing is locked.
  [/^x-amz-bypass-governance-retention$/, /^(true|false)$/i],
];

/** Throws NotImplemented for a header whose wish can't be fulfilled. */
export function refuseUnsupportedHeaders(headers: IncomingHttpHeaders): void {
  for (const [name, value] of Object.entries(headers)) {
    const rule = UNSUPPORTED.find(([pattern]) => pattern.test(name));
    if (rule && !rule[1]?.test(String(value))) {
      throw new S3Error(
        'NotImplemented',
        `A header you provided implies functionality that is not implemented: ${name}`,
      );
    }
  }
}

/** What the headers of an upload say of the object. Throws MetadataTooLarge and InvalidArgument. */
export function readProperties(headers: IncomingHttpHeaders): Properties {
  const kept: Record<string, string> = {};
  let metadata = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (KEPT.includes(name)) kept[name] = String(value);
    if (!name.startsWith('x-amz-meta-')) continue;
    // Node reads headers as Latin-1; clients send UTF-8, and get the same bytes back.
    kept[name] = String(value);
    metadata += name.length - 'x-amz-meta-'.length + String(value).length;
  }
  if (metadata > MAXIMUM_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size');
  }
  removeAwsChunked(kept);
  return { headers: kept, tags: readTagging(headers['x-amz-tagging']) };
}

/** `aws-chunked` is how the body came, not how the object is encoded. */
function removeAwsChunked(kept: Record<string, string>): void {
  const encodings = kept['content-encoding']?.split(',').map((encoding) => encoding.trim());
  const others = encodings?.filter((encoding) => encoding !== 'aws-chunked' && encoding !== '');
  if (others?.length) kept['content-encoding'] = others.join(', ');
  else delete kept['content-encoding'];
}

function readTagging(header: string | string[] | undefined): Record<string, string> {
  return checkTags([...new URLSearchParams(String(header ?? ''))]);
}

/** Tags of an object, from pairs. Throws InvalidTag. */
export function checkTags(pairs: [key: string, value: string][]): Record<string, string> {
  const tags = Object.fromEntries(pairs);
  const refuse = (message: string) => new S3Error('InvalidTag', message);
  if (pairs.length > MAXIMUM_TAGS) throw refuse(`Object tags cannot be greater than ${MAXIMUM_TAGS}`);
  if (Object.keys(tags).length < pairs.length) {
    throw refuse('Cannot provide multiple Tags with the same key');
  }
  for (const [key, value] of pairs) {
    if (key === '' || key.length > 128) throw refuse('The TagKey you have provided is invalid');
    if (value.length > 256) throw refuse('The TagValue you have provided is invalid');
  }
  return tags;
}
