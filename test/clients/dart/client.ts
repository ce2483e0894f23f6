import { createHash } from 'node:crypto';
import { KEYS } from '../../harness.ts';
import { sign } from '../../signed-call.ts';
import { type Answer, readStrictly } from '../../strict-reader.ts';
import { rawCall } from '../raw-call.ts';

// What the packages aws_rekognition_api, aws_s3_api and shared_aws_api 2.0.0 for Dart do, after their source: Dart itself
// doesn't come from a registry that is at hand everywhere.

export interface Refusal {
  type: string;
  message: string;
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

/** RFC 3986, as Dart's Uri.encodeComponent. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

interface DartRequest {
  service: 'rekognition' | 's3';
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/**
 * Signs and sends. The URL is rebuilt with an empty map of query parameters, which leaves a question mark; the host is
 * signed and sent without its port; every header there is gets signed, and the session's token is added afterwards.
 */
async function send(url: string, { service, method, path, headers, body }: DartRequest): Promise<Answer> {
  const instant = new Date();
  const date = instant.toISOString().slice(0, 10).replaceAll('-', '');
  const signed = sign({
    headers: { ...headers, host: new URL(url).hostname, 'x-amz-content-sha256': sha256(body) },
    body,
    instant,
    method,
    canonicalPath: path,
    scope: `${date}/us-east-1/${service}/aws4_request`,
    ...KEYS,
  });
  const all = {
    'user-agent': 'Dart/3.5 (dart:io)',
    'accept-encoding': 'gzip',
    'content-length': String(Buffer.byteLength(body)),
    ...signed,
    'x-amz-security-token': 'added+after/signing==',
  };
  return await rawCall(url, { method, path: `${path}?`, rawHeaders: Object.entries(all).flat(), body });
}

/** The calls of one service, by name. Answers are read as Dart reads them, and strictly besides. */
export class DartRekognition {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async #send(operation: string, input: object): Promise<Answer> {
    const answer = await send(this.url, {
      service: 'rekognition',
      method: 'POST',
      path: '/',
      // The charset comes from setting the body, before the signature is made.
      headers: {
        'content-type': 'application/x-amz-json-1.1; charset=utf-8',
        'x-amz-target': `RekognitionService.${operation}`,
      },
      body: JSON.stringify(input),
    });
    const faults = readStrictly(operation, answer);
    if (faults.length > 0) throw new Error(`${operation} answered ${answer.body}: ${faults.join('; ')}`);
    return answer;
  }

  /** The answer of a call, under the headers, which Dart lays over it. */
  // biome-ignore lint/suspicious/noExplicitAny: Dart's maps are of dynamic, and the strict reader has seen the answer
  async call(operation: string, input: object): Promise<any> {
    const { status, headers, body } = await this.#send(operation, input);
    if (status !== 200) throw new Error(`${operation} answered ${status}: ${body}`);
    const members = JSON.parse(body);
    const hidden = Object.keys(members).filter((name) => name in headers);
    if (hidden.length > 0) throw new Error(`${operation}: headers hide ${hidden}`);
    return { ...members, ...headers };
  }

  /** The exception of a call that must fail: its type picks Dart's class, the header is the second choice. */
  async refusal(operation: string, input: object): Promise<Refusal> {
    const { status, headers, body } = await this.#send(operation, input);
    if (status === 200) throw new Error(`${operation} should have been refused: ${body}`);
    const members = JSON.parse(body);
    const type =
      (members.__type ?? members.code)?.split('#').at(-1) ?? headers['x-amzn-errortype']?.split(':')[0];
    return { type, message: members.message ?? members.Message };
  }
}

/** Objects in path style. */
export class DartS3 {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async call(method: string, bucket: string, key = '', body: string | Uint8Array = ''): Promise<string> {
    const path = `/${encode(bucket)}${key && `/${key.split('/').map(encode).join('/')}`}`;
    const answer = await send(this.url, { service: 's3', method, path, headers: {}, body });
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return answer.body;
  }
}
