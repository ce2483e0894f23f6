import type { Answer, Call } from '../call.ts';
import { removeObject } from '../remove.ts';

export async function DeleteObject(call: Call): Promise<Answer> {
  const { marker, version } = await removeObject(call, call.key, call.query.get('versionId'));
  return {
    status: 204,
    headers: {
      ...(version && { 'x-amz-version-id': version }),
      ...(marker && { 'x-amz-delete-marker': 'true' }),
    },
  };
}
