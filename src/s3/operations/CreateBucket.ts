import type { Answer, Call } from '../call.ts';
import { S3Error } from '../errors.ts';
import { readXml } from '../xml.ts';

const MAXIMUM_BYTES = 64 * 1024;

/** Today's rules; folders made by hand may have the older, wider names. */
const NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export async function CreateBucket({ buckets, bucket, region, payload }: Call): Promise<Answer> {
  if (!NAME.test(bucket)) throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.');
  const body = await payload.whole(MAXIMUM_BYTES);
  const location =
    body.length > 0 ? readXml(body, 'CreateBucketConfiguration').get('LocationConstraint') : undefined;
  const made = await buckets.createBucket(bucket, location || region);
  // In the oldest Region making one's own bucket again is no error.
  const known = buckets.catalogue.region(bucket) ?? region;
  if (!made && !((location || region) === 'us-east-1' && known === 'us-east-1')) {
    throw new S3Error(
      'BucketAlreadyOwnedByYou',
      'Your previous request to create the named bucket succeeded and you already own it.',
    );
  }
  return { headers: { Location: `/${bucket}` } };
}
