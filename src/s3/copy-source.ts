import type { FileHandle } from 'node:fs/promises';
import type { Version } from '../objects/folder/versions.ts';
import type { Call } from './call.ts';
import { chooseVersion } from './choose.ts';
import { checkConditions } from './conditions.ts';
import { S3Error } from './errors.ts';

export interface CopySource {
  bucket: string;
  key: string;
  version: Version;
  handle: FileHandle;
}

/** Opens the object that `x-amz-copy-source` names: `[/]bucket/key[?versionId=…]`, percent-encoded. */
export async function openCopySource({ buckets, headers }: Call): Promise<CopySource> {
  const [path = '', search = ''] = String(headers['x-amz-copy-source']).split(/\?(versionId=.*)/s);
  const invalid = () =>
    new S3Error(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw invalid();
  }
  const match = /^\/?([^/]+)\/(.+)$/s.exec(decoded);
  if (!match) throw invalid();
  const [, bucket = '', key = ''] = match;
  const versionId = new URLSearchParams(search).get('versionId');
  const { version, handle } = await buckets.open(bucket, key, (versions) => choose(versions, versionId));
  try {
    checkConditions(headers, version, 'x-amz-copy-source-');
    return { bucket, key, version, handle };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function choose(versions: Version[], versionId: string | null): Version {
  try {
    return chooseVersion(versions, versionId);
  } catch (error) {
    if (error instanceof S3Error && error.code === 'MethodNotAllowed') {
      throw new S3Error(
        'InvalidRequest',
        'The source of a copy request may not specifically refer to a delete marker by version id.',
      );
    }
    throw error;
  }
}
