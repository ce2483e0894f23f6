import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { isBucketName, type ObjectRef, type ObjectStore } from '../objects/objects.ts';
import { type ObjectSettings, openObjects } from '../objects/open.ts';
import { CliError } from './command.ts';

/** A place as people write it: `s3://bucket/key`, or the path of a local file. */
export type Place = ObjectRef | { file: string };

/** `s3://bucket/key` in its parts; the key may be empty. Throws {@link CliError}. */
export function parseS3Url(url: string): ObjectRef {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (!isBucketName(bucket)) throw new CliError(`${url} is not of the form s3://BUCKET/KEY.`, 2);
  return { bucket, key };
}

/** {@link parseS3Url} of an object: the key must be there. */
export function parseObjectUrl(url: string): ObjectRef {
  const ref = parseS3Url(url);
  if (ref.key === '' || ref.key.endsWith('/')) throw new CliError(`${url} names no object in the bucket.`, 2);
  return ref;
}

export function parsePlace(text: string): Place {
  return text.startsWith('s3://') ? parseObjectUrl(text) : { file: text };
}

/** Opens buckets for `work` and closes them. Throws {@link CliError} when there are none. */
export async function withBuckets<T>(
  settings: ObjectSettings | undefined,
  work: (objects: ObjectStore) => Promise<T>,
): Promise<T> {
  if (!settings) {
    throw new CliError(
      'No buckets are known here. Call from the folder of the server (it has ocellus-data), set OCELLUS_DATA_DIR, or ' +
        'paste the lines that "ocellus serve" prints into this terminal.',
    );
  }
  if ('folder' in settings) await mkdir(settings.folder, { recursive: true });
  const objects = openObjects(settings);
  try {
    return await work(objects);
  } finally {
    objects.close();
  }
}

/** Makes the bucket unless it is there. Throws {@link CliError}. */
export async function ensureBucket(objects: ObjectStore, settings: ObjectSettings, bucket: string) {
  if (await objects.hasBucket(bucket)) return;
  if ('folder' in settings) {
    await mkdir(join(settings.folder, bucket), { recursive: true });
    return;
  }
  const { endpoint, region, pathStyle, credentials } = settings.s3;
  const client = new S3Client({ endpoint, region, forcePathStyle: pathStyle, credentials });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    throw new CliError(`The bucket ${bucket} does not exist and can't be made: ${(error as Error).message}`);
  } finally {
    client.destroy();
  }
}
