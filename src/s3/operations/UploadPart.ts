import type { Answer, Call } from '../call.ts';
import { addPart, partNumber, requireUpload } from '../uploads.ts';

export async function UploadPart(call: Call): Promise<Answer> {
  const { buckets, bucket, key, payload } = call;
  const upload = requireUpload(call);
  const number = partNumber(call);
  const written = await buckets.writeData(bucket, key, payload.stream());
  const { checksum } = payload;
  const part = await addPart(call, upload, number, written, checksum);
  return {
    headers: {
      ETag: `"${part.etag}"`,
      ...(checksum && { [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value }),
    },
  };
}
