import type { FileHandle } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { FolderBuckets } from '../objects/folder/buckets.ts';
import type { Payload } from './payload.ts';

/** An S3 request that is who it says it is. */
export interface Call {
  buckets: FolderBuckets;
  /** Region of the server. */
  region: string;
  account: string;
  /** Empty for requests to the service itself. */
  bucket: string;
  /** Empty for requests to a bucket. */
  key: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  payload: Payload;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string | number | undefined>;
  body?: string | FileBody;
}

/** Bytes of a file, which is closed after them. Both ends count; an empty range has `end` before `start`. */
export interface FileBody {
  handle: FileHandle;
  start: number;
  end: number;
}

export type Handler = (call: Call) => Promise<Answer>;
