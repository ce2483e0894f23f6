import { versionId } from '../../objects/folder/versions.ts';
import type { Answer, Call } from '../call.ts';
import { S3Error } from '../errors.ts';
import { checksumElements, keyEncoder, listPage, readLimit } from '../list.ts';
import { writeXml } from '../xml.ts';

export async function ListObjectVersions({ buckets, bucket, query, account }: Call): Promise<Answer> {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const after = query.get('key-marker') ?? '';
  const afterVersion = query.get('version-id-marker') || undefined;
  if (afterVersion && !after) {
    throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.');
  }
  const limit = readLimit(query, 'max-keys');
  const encode = keyEncoder(query);
  const page = await listPage(buckets, bucket, {
    prefix,
    delimiter,
    after,
    afterVersion,
    limit,
    allVersions: true,
  });
  const Owner = { ID: account };
  const elements = page.entries.map(({ version, isLatest }) => ({
    marker: version.marker,
    element: {
      Key: encode(version.key),
      VersionId: versionId(version),
      IsLatest: isLatest,
      LastModified: new Date(version.modified),
      ...(!version.marker && {
        ETag: `"${version.etag}"`,
        ...checksumElements(version),
        Size: version.size,
        StorageClass: 'STANDARD',
      }),
      Owner,
    },
  }));
  return {
    body: writeXml('ListVersionsResult', {
      Name: bucket,
      Prefix: encode(prefix),
      KeyMarker: encode(after),
      VersionIdMarker: afterVersion ?? '',
      MaxKeys: limit,
      Delimiter: delimiter ? encode(delimiter) : undefined,
      EncodingType: query.get('encoding-type') ?? undefined,
      IsTruncated: page.truncated,
      ...(page.truncated && { NextKeyMarker: encode(page.last), NextVersionIdMarker: page.lastVersion }),
      Version: elements.filter(({ marker }) => !marker).map(({ element }) => element),
      DeleteMarker: elements.filter(({ marker }) => marker).map(({ element }) => element),
      CommonPrefixes: page.prefixes.map((common) => ({ Prefix: encode(common) })),
    }),
  };
}
