import { compareKeys } from '../../objects/folder/order.ts';
import type { Answer, Call } from '../call.ts';
import { S3Error } from '../errors.ts';
import { keyEncoder, readLimit } from '../list.ts';
import { writeXml } from '../xml.ts';

export async function ListMultipartUploads({ buckets, bucket, query, account }: Call): Promise<Answer> {
  await buckets.folder(bucket);
  if (query.get('delimiter'))
    throw new S3Error('NotImplemented', 'A delimiter is not implemented for uploads.');
  const prefix = query.get('prefix') ?? '';
  const limit = readLimit(query, 'max-uploads');
  const encode = keyEncoder(query);
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = (keyMarker && query.get('upload-id-marker')) || '';
  const all = buckets.catalogue.uploads(bucket).filter(({ key }) => key.startsWith(prefix));
  const marked = all.findIndex(({ id, key }) => id === idMarker && key === keyMarker);
  const rest =
    marked >= 0
      ? all.slice(marked + 1)
      : all.filter(({ key }) => keyMarker === '' || compareKeys(key, keyMarker) > 0);
  const page = rest.slice(0, limit);
  const truncated = rest.length > page.length;
  const last = page.at(-1);
  return {
    body: writeXml('ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      ...(truncated && last && { NextKeyMarker: encode(last.key), NextUploadIdMarker: last.id }),
      Prefix: encode(prefix),
      EncodingType: query.get('encoding-type') ?? undefined,
      MaxUploads: limit,
      IsTruncated: truncated,
      Upload: page.map(({ id, key, created, checksum }) => ({
        Key: encode(key),
        UploadId: id,
        Initiator: { ID: account },
        Owner: { ID: account },
        StorageClass: 'STANDARD',
        Initiated: new Date(created),
        ...(checksum && { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
      })),
    }),
  };
}
