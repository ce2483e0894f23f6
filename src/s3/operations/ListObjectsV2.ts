import type { Answer, Call } from '../call.ts';
import { S3Error } from '../errors.ts';
import { contents, keyEncoder, listPage, readLimit } from '../list.ts';
import { writeXml } from '../xml.ts';

export async function ListObjectsV2({ buckets, bucket, query, account }: Call): Promise<Answer> {
  if (query.get('list-type') !== '2') throw new S3Error('InvalidArgument', 'Invalid List Type');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token') || null;
  const limit = readLimit(query, 'max-keys');
  const encode = keyEncoder(query);
  const after = token === null ? startAfter : readToken(token);
  const page = await listPage(buckets, bucket, { prefix, delimiter, after, limit, allVersions: false });
  const owner = query.get('fetch-owner') === 'true' ? { ID: account } : undefined;
  return {
    body: writeXml('ListBucketResult', {
      Name: bucket,
      Prefix: encode(prefix),
      StartAfter: startAfter ? encode(startAfter) : undefined,
      MaxKeys: limit,
      Delimiter: delimiter ? encode(delimiter) : undefined,
      EncodingType: query.get('encoding-type') ?? undefined,
      KeyCount: page.entries.length + page.prefixes.length,
      IsTruncated: page.truncated,
      ContinuationToken: query.get('continuation-token') ?? undefined,
      NextContinuationToken: page.truncated ? Buffer.from(page.last).toString('base64url') : undefined,
      ...contents(page, encode, owner),
    }),
  };
}

function readToken(token: string): string {
  const after = Buffer.from(token, 'base64url').toString();
  if (after === '' || Buffer.from(after).toString('base64url') !== token) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
  }
  return after;
}
