import type { Answer, Call } from '../call.ts';
import { S3Error } from '../errors.ts';

export async function DeleteBucket({ buckets, bucket }: Call): Promise<Answer> {
  if (!(await buckets.deleteBucket(bucket))) {
    throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty');
  }
  return { status: 204 };
}
