import type { FolderBuckets } from '../objects/folder/buckets.ts';
import { compareKeys, LAST } from '../objects/folder/order.ts';
import { type Version, versionId } from '../objects/folder/versions.ts';
import { S3Error } from './errors.ts';

const MAXIMUM_KEYS = 1000;

export interface ListRequest {
  prefix: string;
  delimiter: string;
  /** Everything up to here, and all that begins with it when it ends in the delimiter, has been listed. */
  after: string;
  /** Of the key `after`, versions up to this one have been listed. */
  afterVersion?: string;
  limit: number;
  /** All versions and delete markers, instead of the newest versions of keys that aren't deleted. */
  allVersions: boolean;
}

export interface ListPage {
  entries: { version: Version; isLatest: boolean }[];
  prefixes: string[];
  truncated: boolean;
  /** Key or common prefix of the last entry. */
  last: string;
  lastVersion: string | undefined;
}

/** One page of a bucket's listing: versions and common prefixes, together at most `limit`, in the order of keys. */
export async function listPage(
  buckets: FolderBuckets,
  bucket: string,
  request: ListRequest,
): Promise<ListPage> {
  const { prefix, delimiter, after, afterVersion, limit, allVersions } = request;
  const page: ListPage = { entries: [], prefixes: [], truncated: false, last: '', lastVersion: undefined };
  if (limit === 0) {
    await buckets.folder(bucket);
    return page;
  }
  const isFull = () => page.entries.length + page.prefixes.length === limit;
  let lower = firstKey(prefix, delimiter, after, afterVersion !== undefined);
  for (;;) {
    let skipTo: string | undefined;
    for await (const versions of buckets.walk(bucket, lower)) {
      const key = versions[0]!.key;
      if (!key.startsWith(prefix)) return page;
      const entries = allVersions ? versions : versions.filter(({ marker }, i) => i === 0 && !marker);
      const rest =
        key === after && afterVersion !== undefined ? entriesAfter(entries, afterVersion) : entries;
      if (rest.length === 0) continue;
      const common = commonPrefix(key, prefix, delimiter);
      if (common !== undefined) {
        if (isFull()) return { ...page, truncated: true };
        page.prefixes.push(common);
        page.last = common;
        page.lastVersion = undefined;
        skipTo = common + LAST;
        break;
      }
      for (const version of rest) {
        if (isFull()) return { ...page, truncated: true };
        page.entries.push({ version, isLatest: version === versions[0] });
        page.last = key;
        page.lastVersion = versionId(version);
      }
    }
    if (skipTo === undefined) return page;
    lower = skipTo;
  }
}

/** The first key that may be listed. */
function firstKey(prefix: string, delimiter: string, after: string, sameKey: boolean): string {
  if (after === '') return prefix;
  const common = commonPrefix(after, prefix, delimiter);
  // A page that ended with a common prefix goes on after all its keys.
  const next = common === after ? after + LAST : sameKey ? after : `${after}\0`;
  return compareKeys(next, prefix) > 0 ? next : prefix;
}

function entriesAfter(versions: Version[], id: string): Version[] {
  const index = versions.findIndex((version) => versionId(version) === id);
  return versions.slice(index + 1);
}

function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}

/** `max-keys` and its like: at most a thousand, also when more are asked for. */
export function readLimit(query: URLSearchParams, name: string, maximum = MAXIMUM_KEYS): number {
  const text = query.get(name);
  if (text === null || text === '') return maximum;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0x7fffffff) {
    throw new S3Error('InvalidArgument', `Argument ${name} must be an integer between 0 and 2147483647`);
  }
  return Math.min(Number(text), maximum);
}

/** Encodes keys as the request's `encoding-type` says. Throws InvalidArgument. */
export function keyEncoder(query: URLSearchParams): (text: string) => string {
  const type = query.get('encoding-type');
  if (type === null || type === '') return (text) => text;
  if (type !== 'url') throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
  return (text) =>
    encodeURIComponent(text)
      .replace(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/');
}

/** The elements that ListObjects and ListObjectsV2 have in common. */
export function contents(
  { entries, prefixes }: ListPage,
  encode: (text: string) => string,
  owner: { ID: string } | undefined,
) {
  return {
    Contents: entries.map(({ version }) => ({
      Key: encode(version.key),
      LastModified: new Date(version.modified),
      ETag: `"${version.etag}"`,
      ...checksumElements(version),
      Size: version.size,
      Owner: owner,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: prefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  };
}

export function checksumElements({ properties: { checksum } }: Version) {
  return checksum ? { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type } : {};
}
