import { createHash, createHmac } from 'node:crypto';

export const ACCESS_KEY_ID = 'AKIDEXAMPLE';
export const SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

export interface Signing {
  /** Header names in lower case, all of them signed. */
  headers: Record<string, string>;
  body: string | Uint8Array;
  instant: Date;
  method?: string;
  canonicalPath?: string;
  canonicalQuery?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  /** `date/region/service/termination`, where it differs from the right one. */
  scope?: string;
  dateHeader?: 'x-amz-date' | 'date';
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest();

/** `20261120T161853Z` */
export const basicDate = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, '');

/**
 * Signature version 4 from its public description, on its own so that the server's check isn't held
 * against itself. Returns the headers with the date and Authorization.
 */
export function sign(call: Signing): Record<string, string> {
  const timestamp = basicDate(call.instant);
  const scope = call.scope ?? `${timestamp.slice(0, 8)}/us-east-1/rekognition/aws4_request`;
  const headers = { ...call.headers, [call.dateHeader ?? 'x-amz-date']: timestamp };
  const names = Object.keys(headers).sort();
  const canonical = [
    call.method ?? 'POST',
    call.canonicalPath ?? '/',
    call.canonicalQuery ?? '',
    ...names.map((name) => `${name}:${headers[name as keyof typeof headers]!.trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    sha256(call.body),
  ].join('\n');
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  const key = scope
    .split('/')
    .reduce<string | Uint8Array>(hmac, `AWS4${call.secretAccessKey ?? SECRET_ACCESS_KEY}`);
  const signature = hmac(key, text).toString('hex');
  const credential = `${call.accessKeyId ?? ACCESS_KEY_ID}/${scope}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}
