import type { Answer, Call } from '../call.ts';
import { writeXml } from '../xml.ts';

/** The oldest Region answers with nothing. */
export async function GetBucketLocation({ buckets, bucket, region }: Call): Promise<Answer> {
  await buckets.folder(bucket);
  const location = buckets.catalogue.region(bucket) ?? region;
  return { body: writeXml('LocationConstraint', location === 'us-east-1' ? '' : location) };
}
