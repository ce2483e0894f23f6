import { versionId } from '../../objects/folder/versions.ts';
import type { Answer, Call } from '../call.ts';
import { openCopySource } from '../copy-source.ts';
import { S3Error } from '../errors.ts';
import { addPart, partNumber, requireUpload } from '../uploads.ts';
import { writeXml } from '../xml.ts';

export async function UploadPartCopy(call: Call): Promise<Answer> {
  const { buckets, bucket, key, headers } = call;
  const upload = requireUpload(call);
  const number = partNumber(call);
  const source = await openCopySource(call);
  try {
    const range = sourceRange(headers['x-amz-copy-source-range'], source.version.size);
    const bytes =
      source.version.size === 0
        ? Buffer.alloc(0)
        : source.handle.createReadStream({ ...range, autoClose: false });
    const part = await addPart(call, upload, number, await buckets.writeData(bucket, key, bytes), undefined);
    return {
      headers: {
        ...(buckets.versioning(source.bucket) && {
          'x-amz-copy-source-version-id': versionId(source.version),
        }),
      },
      body: writeXml('CopyPartResult', { ETag: `"${part.etag}"`, LastModified: new Date(part.modified) }),
    };
  } finally {
    await source.handle.close();
  }
}

function sourceRange(header: string | string[] | undefined, size: number) {
  if (header === undefined) return {};
  const match = /^bytes=(\d+)-(\d+)$/.exec(String(header));
  if (!match) {
    throw new S3Error(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  }
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (start > end || end >= size) {
    throw new S3Error('InvalidRange', `Range specified is not valid for source object of size: ${size}`);
  }
  return { start, end };
}
