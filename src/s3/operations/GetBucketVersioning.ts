import type { Answer, Call } from '../call.ts';
import { writeXml } from '../xml.ts';

export async function GetBucketVersioning({ buckets, bucket }: Call): Promise<Answer> {
  await buckets.folder(bucket);
  return { body: writeXml('VersioningConfiguration', { Status: buckets.versioning(bucket) }) };
}
