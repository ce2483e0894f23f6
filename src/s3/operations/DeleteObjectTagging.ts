import type { Answer, Call } from '../call.ts';
import { chooseVersion, versionHeader } from '../choose.ts';

export async function DeleteObjectTagging(call: Call): Promise<Answer> {
  const { buckets, bucket, key, query } = call;
  const version = chooseVersion(await buckets.versions(bucket, key), query.get('versionId'));
  await buckets.setProperties(bucket, version, { ...version.properties, tags: {} });
  return { status: 204, headers: versionHeader(call, version) };
}
