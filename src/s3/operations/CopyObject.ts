import type { Properties } from '../../objects/folder/catalogue.ts';
import { versionId } from '../../objects/folder/versions.ts';
import type { Answer, Call } from '../call.ts';
import { createSum } from '../checksums.ts';
import { versionHeader } from '../choose.ts';
import { writeCondition } from '../conditions.ts';
import { type CopySource, openCopySource } from '../copy-source.ts';
import { S3Error } from '../errors.ts';
import { readProperties } from '../properties.ts';
import { writeXml } from '../xml.ts';

export async function CopyObject(call: Call): Promise<Answer> {
  const { buckets, bucket, key, headers } = call;
  const source = await openCopySource(call);
  try {
    const properties = chooseProperties(call, source);
    const algorithm = headers['x-amz-checksum-algorithm']?.toString();
    const sum = algorithm === undefined ? undefined : createSum(algorithm);
    if (algorithm !== undefined && !sum) {
      throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.');
    }
    let value: Uint8Array = Buffer.alloc(0);
    async function* bytes() {
      for await (const chunk of source.handle.createReadStream({ autoClose: false })) {
        sum?.update(chunk);
        yield chunk as Uint8Array;
      }
      if (sum) value = await sum.digest();
    }
    const { version } = await buckets.put(
      bucket,
      key,
      bytes(),
      () => (algorithm ? { ...properties, checksum: full(algorithm, value) } : properties),
      writeCondition(headers),
    );
    return {
      headers: {
        ...versionHeader(call, version),
        ...(buckets.versioning(source.bucket) && {
          'x-amz-copy-source-version-id': versionId(source.version),
        }),
      },
      body: writeXml('CopyObjectResult', {
        ETag: `"${version.etag}"`,
        LastModified: new Date(version.modified),
        ...(algorithm && { [`Checksum${algorithm.toUpperCase()}`]: Buffer.from(value).toString('base64') }),
      }),
    };
  } finally {
    await source.handle.close();
  }
}

const full = (algorithm: string, value: Uint8Array) => ({
  algorithm: algorithm.toUpperCase(),
  value: Buffer.from(value).toString('base64'),
  type: 'FULL_OBJECT' as const,
});

function directive(call: Call, name: string): boolean {
  const value = call.headers[name] ?? 'COPY';
  if (value !== 'COPY' && value !== 'REPLACE') throw new S3Error('InvalidArgument', `Unknown ${name}.`);
  return value === 'REPLACE';
}

function chooseProperties(call: Call, { bucket, key, version }: CopySource): Properties {
  const replaceMetadata = directive(call, 'x-amz-metadata-directive');
  const replaceTags = directive(call, 'x-amz-tagging-directive');
  if (
    bucket === call.bucket &&
    key === call.key &&
    !replaceMetadata &&
    !call.headers['x-amz-copy-source']?.includes('?versionId=')
  ) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const given = readProperties(call.headers);
  const { headers, tags, checksum } = version.properties;
  return {
    headers: replaceMetadata ? given.headers : headers,
    tags: replaceTags ? given.tags : tags,
    // That of a multipart upload is one of its parts, which the copy hasn't.
    ...(checksum?.type === 'FULL_OBJECT' && { checksum }),
  };
}
