import { open } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BackboneDescription } from '../vision/backbone.ts';
import { BackboneError } from './error.ts';
import { Patience, request } from './http.ts';

/** Where a backbone comes from: a file, or a web address. */
export type Source = { path: string } | { url: URL };

/** A description is a few lines. */
const DESCRIPTION_BYTES = 64 * 1024;

/** Reads what users write: a path, or an http, https or file address. Throws BackboneError. */
export function parseSource(text: string): Source {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return { path: resolve(text) };
  if (!URL.canParse(text)) throw new BackboneError(`${text} is not an address.`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new BackboneError(`${text.replace(/\/\/.*@/, '//…@')} holds a password, which is not supported.`);
  }
  if (url.protocol === 'file:') return { path: fileURLToPath(url) };
  if (url.protocol === 'http:' || url.protocol === 'https:') return { url };
  throw new BackboneError(`${text} can't be read: use a path or an http, https or file address.`);
}

/** How a source is remembered and shown. */
export function nameSource(source: Source): string {
  return 'path' in source ? source.path : source.url.href;
}

/** The JSON file of the same name beside an ONNX file; an address loses its query. */
export function besideSource(source: Source): Source {
  const renamed = (path: string) => `${path.slice(0, path.length - extname(path).length)}.json`;
  if ('path' in source) return { path: renamed(source.path) };
  const url = new URL(source.url);
  url.search = '';
  url.hash = '';
  url.pathname = renamed(url.pathname);
  return { url };
}

/** Reads and checks a description. Throws BackboneError. */
export async function readDescription(source: Source, patience: number): Promise<BackboneDescription> {
  const name = nameSource(source);
  const text = 'path' in source ? await readSmallFile(source.path) : await fetchSmall(source.url, patience);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new BackboneError(`${name} is not JSON.`);
  }
  const { data, error } = BackboneDescription.safeParse(json);
  if (error) throw new BackboneError(`${name} does not describe a backbone:\n${z.prettifyError(error)}`);
  return data;
}

const missing = (name: string, reason: string) =>
  new BackboneError(
    `A backbone needs a JSON file that describes it, and ${name} can't be read: ${reason}. See docs/backbones.md.`,
  );

async function readSmallFile(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(DESCRIPTION_BYTES + 1));
    if (bytesRead > DESCRIPTION_BYTES) throw new Error(`it has more than ${DESCRIPTION_BYTES} bytes`);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    throw missing(path, (error as Error).message);
  }
}

async function fetchSmall(url: URL, milliseconds: number): Promise<string> {
  const patience = new Patience(milliseconds);
  try {
    const response = await request(url, {}, patience.signal);
    if (response.status !== 200) throw new Error(`it answered ${response.status} ${response.statusText}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > DESCRIPTION_BYTES) throw new Error(`it has more than ${DESCRIPTION_BYTES} bytes`);
    }
    return Buffer.concat(chunks).toString();
  } catch (error) {
    throw missing(url.href, (error as Error).message.trimEnd());
  } finally {
    patience.end();
  }
}
