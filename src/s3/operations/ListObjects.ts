import type { Answer, Call } from '../call.ts';
import { contents, keyEncoder, listPage, readLimit } from '../list.ts';
import { writeXml } from '../xml.ts';

export async function ListObjects({ buckets, bucket, query, account }: Call): Promise<Answer> {
  const [prefix, delimiter, marker] = ['prefix', 'delimiter', 'marker'].map(
    (name) => query.get(name) ?? '',
  ) as [string, string, string];
  const limit = readLimit(query, 'max-keys');
  const encode = keyEncoder(query);
  const page = await listPage(buckets, bucket, {
    prefix,
    delimiter,
    after: marker,
    limit,
    allVersions: false,
  });
  return {
    body: writeXml('ListBucketResult', {
      Name: bucket,
      // Not encoded, unlike in ListObjectsV2: clients don't decode it here.
      Prefix: prefix,
      Marker: encode(marker),
      MaxKeys: limit,
      Delimiter: delimiter ? encode(delimiter) : undefined,
      EncodingType: query.get('encoding-type') ?? undefined,
      IsTruncated: page.truncated,
      // S3 names it only with a delimiter; without, clients take the last key.
      NextMarker: page.truncated && delimiter ? encode(page.last) : undefined,
      ...contents(page, encode, { ID: account }),
    }),
  };
}
