import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';

export interface Address {
  /** Empty when the request names none. */
  bucket: string;
  key: string;
  query: URLSearchParams;
  /** The bucket, where the Host header names it. */
  hostBucket: string;
}

/**
 * What a request is about: `/bucket/key` (path style), or `/key` with the bucket before `domain` in the Host header
 * (virtual-host style). Nothing in a key is special, not even `..`. Throws InvalidURI.
 */
export function addressOf({ url = '/', headers }: IncomingMessage, domain: string): Address {
  const [rawPath = '/', search = ''] = url.split(/\?(.*)/s);
  // Not a form: a + is a +.
  const query = new URLSearchParams(search.replaceAll('+', '%2B'));
  const path = decode(rawPath).slice(1);
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (host.endsWith(`.${domain}`)) {
    const bucket = host.slice(0, -domain.length - 1);
    return { bucket, key: path, query, hostBucket: bucket };
  }
  const [bucket = '', key = ''] = path.split(/\/(.*)/s);
  return { bucket, key, query, hostBucket: '' };
}

/** UTF-8 or nothing: another encoding would make two keys look the same. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.");
  }
}
