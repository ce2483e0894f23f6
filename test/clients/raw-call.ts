import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Answer } from '../strict-reader.ts';

export interface RawRequest {
  method: string;
  /** Path and query as they stand in the request line. */
  path: string;
  /** Name, value, name, value … */
  rawHeaders: string[];
  body: string | Uint8Array;
}

/** Sends a request to the server with exactly these headers; Node adds none but Connection. */
export async function rawCall(url: string, { method, path, rawHeaders, body }: RawRequest): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request({ hostname, port, method, path, headers: rawHeaders, setHost: false }, (response) => {
    const headers = response.headers as Record<string, string>;
    text(response).then((body) => resolve({ status: response.statusCode!, headers, body }), reject);
  });
  sent.once('error', reject);
  sent.end(body);
  return await promise;
}
