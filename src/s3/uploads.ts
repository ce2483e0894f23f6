import { rm } from 'node:fs/promises';
import type { Part, Upload } from '../objects/folder/catalogue.ts';
import { dataPath } from '../objects/folder/files.ts';
import type { Written } from '../objects/folder/write.ts';
import type { Call } from './call.ts';
import { S3Error } from './errors.ts';
import type { TakenChecksum } from './payload.ts';

const MAXIMUM_PARTS = 10_000;

/** The upload that a request is about. Throws NoSuchUpload. */
export function requireUpload({ buckets, bucket, key, query }: Call): Upload {
  const upload = buckets.catalogue.upload(query.get('uploadId') ?? '');
  if (upload?.bucket !== bucket || upload.key !== key) {
    throw new S3Error(
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    );
  }
  return upload;
}

export function partNumber({ query }: Call): number {
  const number = Number(query.get('partNumber'));
  if (!(Number.isInteger(number) && number >= 1 && number <= MAXIMUM_PARTS)) {
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${MAXIMUM_PARTS}, inclusive`,
    );
  }
  return number;
}

/** Takes written bytes as a part of the upload, in the place of an earlier one of the same number. */
export async function addPart(
  call: Call,
  upload: Upload,
  number: number,
  { id, size, etag, modified, path }: Written,
  checksum: TakenChecksum | undefined,
): Promise<Part> {
  const { catalogue } = call.buckets;
  const part: Part = { number, id, size, etag, modified, checksum: checksum?.value };
  try {
    if (upload.checksum && checksum && checksum.algorithm !== upload.checksum.algorithm) {
      throw new S3Error(
        'InvalidRequest',
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm.toLowerCase()}, actual checksum Type: ${checksum.algorithm.toLowerCase()}`,
      );
    }
    const replaced = await catalogue.change(() => {
      requireUpload(call); // it may have been completed meanwhile
      return catalogue.putPart(upload.id, part);
    });
    if (replaced) await removePart(call, replaced);
    return part;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

export async function removePart({ buckets, bucket }: Call, id: string): Promise<void> {
  await rm(dataPath(await buckets.folder(bucket), id), { force: true });
}
