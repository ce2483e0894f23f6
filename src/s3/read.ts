import type { Version } from '../objects/folder/versions.ts';
import type { ByteRange } from '../objects/objects.ts';
import type { Answer, Call } from './call.ts';
import { chooseVersion, versionHeader } from './choose.ts';
import { checkConditions } from './conditions.ts';
import { S3Error } from './errors.ts';

/** Response headers that a signed request may replace. */
const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** GetObject and HeadObject, which differ in the body only. */
export async function readObject(call: Call): Promise<Answer> {
  const { buckets, bucket, key, query, headers } = call;
  const { version, handle } = await buckets.open(bucket, key, (versions) =>
    chooseVersion(versions, query.get('versionId')),
  );
  try {
    checkConditions(headers, version);
    const range =
      partRange(query.get('partNumber'), version) ?? byteRange(headers.range, headers['if-range'], version);
    const { start, end } = range ?? { start: 0, end: version.size - 1 };
    return {
      status: range ? 206 : 200,
      headers: {
        ...objectHeaders(call, version),
        ...(range && { 'Content-Range': `bytes ${start}-${end}/${version.size}` }),
        'Content-Length': end - start + 1,
        // A checksum is of the whole object.
        ...(!range && checksumHeaders(call, version)),
        ...overrides(query),
      },
      body: { handle, start, end },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function objectHeaders(call: Call, version: Version): Record<string, string> {
  const { headers, tags, parts } = version.properties;
  const count = Object.keys(tags).length;
  return {
    'Content-Type': 'binary/octet-stream',
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonicalName(name), value])),
    'Accept-Ranges': 'bytes',
    ETag: `"${version.etag}"`,
    'Last-Modified': new Date(version.modified).toUTCString(),
    ...versionHeader(call, version),
    ...(count > 0 && { 'x-amz-tagging-count': String(count) }),
    ...(parts && call.query.has('partNumber') && { 'x-amz-mp-parts-count': String(parts.length) }),
  };
}

/** `content-type` as `Content-Type`, so that a default is replaced. */
function canonicalName(name: string): string {
  return name.startsWith('x-amz-') ? name : name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

function checksumHeaders({ headers }: Call, { properties: { checksum } }: Version): Record<string, string> {
  if (!checksum || headers['x-amz-checksum-mode'] !== 'ENABLED') return {};
  return {
    [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value,
    'x-amz-checksum-type': checksum.type,
  };
}

function overrides(query: URLSearchParams): Record<string, string> {
  const given = OVERRIDES.flatMap((name) => {
    const value = query.get(`response-${name}`);
    return value === null ? [] : [[canonicalName(name), value]];
  });
  return Object.fromEntries(given);
}

function unsatisfiable(size: number): S3Error {
  return new S3Error('InvalidRange', 'The requested range is not satisfiable', {
    'Content-Range': `bytes */${size}`,
  });
}

/** One range of bytes; undefined for none, and for what isn't one, which HTTP says to ignore. */
function byteRange(
  header: string | undefined,
  ifRange: string | string[] | undefined,
  { size, etag }: Version,
): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  if (ifRange !== undefined && ifRange !== `"${etag}"`) return undefined;
  const [, first = '', last = ''] = match;
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size) throw unsatisfiable(size);
  return { start, end };
}

function partRange(number: string | null, { size, properties }: Version): ByteRange | undefined {
  if (number === null) return undefined;
  const parts = properties.parts ?? [size];
  const index = Number(number) - 1;
  if (!(Number.isInteger(index) && index >= 0))
    throw new S3Error('InvalidArgument', 'partNumber must be a number from 1');
  if (index >= parts.length) throw unsatisfiable(size);
  const start = parts.slice(0, index).reduce((sum, length) => sum + length, 0);
  return { start, end: start + parts[index]! - 1 };
}
