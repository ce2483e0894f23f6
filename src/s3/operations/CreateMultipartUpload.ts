import { randomUUID } from 'node:crypto';
import type { Checksum } from '../../objects/folder/catalogue.ts';
import type { Answer, Call } from '../call.ts';
import { createSum } from '../checksums.ts';
import { S3Error } from '../errors.ts';
import { readProperties } from '../properties.ts';
import { writeXml } from '../xml.ts';

export async function CreateMultipartUpload({ buckets, bucket, key, headers }: Call): Promise<Answer> {
  await buckets.folder(bucket);
  if (Buffer.byteLength(key) > 1024) throw new S3Error('KeyTooLongError', 'Your key is too long');
  const checksum = readChecksum(headers['x-amz-checksum-algorithm'], headers['x-amz-checksum-type']);
  const upload = {
    id: randomUUID(),
    bucket,
    key,
    created: Date.now(),
    properties: readProperties(headers),
    checksum,
  };
  await buckets.catalogue.change(() => buckets.catalogue.addUpload(upload));
  return {
    headers: {
      ...(checksum && {
        'x-amz-checksum-algorithm': checksum.algorithm,
        'x-amz-checksum-type': checksum.type,
      }),
    },
    body: writeXml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }),
  };
}

function readChecksum(algorithm?: string | string[], type?: string | string[]) {
  if (algorithm === undefined) return undefined;
  const name = String(algorithm).toUpperCase();
  const isCrc = name.startsWith('CRC');
  if (!createSum(name)) throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.');
  const chosen = (type ?? (name === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE')) as Checksum['type'];
  const possible = chosen === 'FULL_OBJECT' ? isCrc : chosen === 'COMPOSITE' && name !== 'CRC64NVME';
  if (!possible) {
    throw new S3Error(
      'InvalidRequest',
      `The ${chosen} checksum type cannot be used with the ${name} checksum algorithm.`,
    );
  }
  return { algorithm: name, type: chosen };
}
