import type { Answer, Call } from '../call.ts';
import { removePart, requireUpload } from '../uploads.ts';

export async function AbortMultipartUpload(call: Call): Promise<Answer> {
  const { catalogue } = call.buckets;
  const { id } = requireUpload(call);
  const parts = catalogue.parts(id);
  await catalogue.change(() => catalogue.removeUpload(id));
  for (const part of parts) await removePart(call, part.id);
  return { status: 204 };
}
