import { type Version, versionId } from '../objects/folder/versions.ts';
import type { Call } from './call.ts';
import { S3Error } from './errors.ts';

function noSuchKey(headers?: Record<string, string>): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.', headers);
}

/** The version that a request means: of `versionId`, or the newest. Throws NoSuchKey, NoSuchVersion, MethodNotAllowed. */
export function chooseVersion(versions: Version[], wanted: string | null | undefined): Version {
  const [newest] = versions;
  if (wanted === null || wanted === undefined) {
    if (!newest) throw noSuchKey();
    if (newest.marker) throw noSuchKey(markerHeaders(newest));
    return newest;
  }
  const version = versions.find((one) => versionId(one) === wanted);
  if (!version) {
    if (!/^(null|[0-9a-f-]{36})$/.test(wanted)) {
      throw new S3Error('InvalidArgument', 'Invalid version id specified');
    }
    throw new S3Error('NoSuchVersion', 'The specified version does not exist.');
  }
  if (version.marker) {
    const headers = { ...markerHeaders(version), Allow: 'DELETE' };
    throw new S3Error(
      'MethodNotAllowed',
      'The specified method is not allowed against this resource.',
      headers,
    );
  }
  return version;
}

function markerHeaders(marker: Version): Record<string, string> {
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId(marker) };
}

/** `x-amz-version-id`, where the bucket keeps versions or once did. */
export function versionHeader({ buckets, bucket }: Call, version: Version): Record<string, string> {
  return buckets.versioning(bucket) ? { 'x-amz-version-id': versionId(version) } : {};
}
