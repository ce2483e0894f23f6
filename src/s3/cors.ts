import type { ServerResponse } from 'node:http';

/** Browsers sign like everyone else; no cookie is involved, so any origin may ask. */
export function setCorsHeaders(response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader(
    'Access-Control-Expose-Headers',
    'ETag, x-amz-version-id, x-amz-delete-marker, x-amz-request-id, x-amz-id-2, x-amz-tagging-count, ' +
      'x-amz-mp-parts-count, x-amz-checksum-crc32, x-amz-checksum-crc32c, x-amz-checksum-crc64nvme, ' +
      'x-amz-checksum-sha1, x-amz-checksum-sha256, x-amz-checksum-type, Content-Range, Content-Length, Date',
  );
}
