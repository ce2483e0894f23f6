import type { Answer, Call } from '../call.ts';
import { readLimit } from '../list.ts';
import { requireUpload } from '../uploads.ts';
import { writeXml } from '../xml.ts';

export async function ListParts(call: Call): Promise<Answer> {
  const { buckets, bucket, key, query, account } = call;
  const upload = requireUpload(call);
  const limit = readLimit(query, 'max-parts');
  const marker = Number(query.get('part-number-marker') ?? 0);
  const rest = buckets.catalogue.parts(upload.id).filter(({ number }) => number > marker);
  const page = rest.slice(0, limit);
  const truncated = rest.length > page.length;
  return {
    body: writeXml('ListPartsResult', {
      Bucket: bucket,
      Key: key,
      UploadId: upload.id,
      Initiator: { ID: account },
      Owner: { ID: account },
      StorageClass: 'STANDARD',
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.number,
      MaxParts: limit,
      IsTruncated: truncated,
      ...(upload.checksum && {
        ChecksumAlgorithm: upload.checksum.algorithm,
        ChecksumType: upload.checksum.type,
      }),
      Part: page.map(({ number, modified, etag, size, checksum }) => ({
        PartNumber: number,
        LastModified: new Date(modified),
        ETag: `"${etag}"`,
        Size: size,
        ...(upload.checksum && checksum && { [`Checksum${upload.checksum.algorithm}`]: checksum }),
      })),
    }),
  };
}
