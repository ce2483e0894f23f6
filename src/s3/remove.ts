import { versionId } from '../objects/folder/versions.ts';
import type { Call } from './call.ts';
import { writeCondition } from './conditions.ts';

export interface Removed {
  /** True when a delete marker was made or removed. */
  marker: boolean;
  /** The version that was made (a marker) or removed. */
  version: string | undefined;
}

/** Deletes a key, or one version of it for good. What isn't there is no error. */
export async function removeObject(
  { buckets, bucket, headers }: Pick<Call, 'buckets' | 'bucket' | 'headers'>,
  key: string,
  version: string | null | undefined,
): Promise<Removed> {
  const versions = await buckets.versions(bucket, key);
  const current = versions[0]?.marker ? undefined : versions[0];
  if (headers['if-match'] !== undefined && current)
    writeCondition({ 'if-match': headers['if-match'] })(current);
  if (version === null || version === undefined) {
    const marker = await buckets.delete(bucket, key);
    return { marker: marker !== undefined, version: marker && versionId(marker) };
  }
  const found = versions.find((one) => versionId(one) === version);
  if (found) await buckets.deleteVersion(bucket, found);
  return { marker: found?.marker ?? false, version: buckets.versioning(bucket) && version };
}
