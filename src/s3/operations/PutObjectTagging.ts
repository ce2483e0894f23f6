import type { Answer, Call } from '../call.ts';
import { chooseVersion, versionHeader } from '../choose.ts';
import { checkTags } from '../properties.ts';
import { readXml } from '../xml.ts';

const MAXIMUM_BYTES = 64 * 1024;

export async function PutObjectTagging(call: Call): Promise<Answer> {
  const { buckets, bucket, key, query, payload } = call;
  const version = chooseVersion(await buckets.versions(bucket, key), query.get('versionId'));
  const set = readXml(await payload.whole(MAXIMUM_BYTES), 'Tagging').all('TagSet')[0];
  const pairs = (set?.all('Tag') ?? []).map((tag): [string, string] => [
    tag.get('Key') ?? '',
    tag.get('Value') ?? '',
  ]);
  await buckets.setProperties(bucket, version, { ...version.properties, tags: checkTags(pairs) });
  return { headers: versionHeader(call, version) };
}
