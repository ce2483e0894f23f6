import type { Answer, Call } from '../call.ts';

export async function HeadBucket({ buckets, bucket, region }: Call): Promise<Answer> {
  await buckets.folder(bucket);
  return { headers: { 'x-amz-bucket-region': buckets.catalogue.region(bucket) ?? region } };
}
