import type { Answer, Call } from '../call.ts';
import { versionHeader } from '../choose.ts';
import { writeCondition } from '../conditions.ts';
import { readProperties } from '../properties.ts';

export async function PutObject(call: Call): Promise<Answer> {
  const { buckets, bucket, key, headers, payload } = call;
  const properties = readProperties(headers);
  const { version } = await buckets.put(
    bucket,
    key,
    payload.stream(),
    () => ({
      ...properties,
      ...(payload.checksum && { checksum: { ...payload.checksum, type: 'FULL_OBJECT' } }),
    }),
    writeCondition(headers),
  );
  const { checksum } = payload;
  return {
    headers: {
      ETag: `"${version.etag}"`,
      ...versionHeader(call, version),
      ...(checksum && {
        [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value,
        'x-amz-checksum-type': 'FULL_OBJECT',
      }),
    },
  };
}
