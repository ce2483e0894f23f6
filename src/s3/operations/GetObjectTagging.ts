import type { Answer, Call } from '../call.ts';
import { chooseVersion, versionHeader } from '../choose.ts';
import { writeXml } from '../xml.ts';

export async function GetObjectTagging(call: Call): Promise<Answer> {
  const { buckets, bucket, key, query } = call;
  const version = chooseVersion(await buckets.versions(bucket, key), query.get('versionId'));
  const Tag = Object.entries(version.properties.tags).map(([Key, Value]) => ({ Key, Value }));
  return { headers: versionHeader(call, version), body: writeXml('Tagging', { TagSet: { Tag } }) };
}
