import { type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { BackboneError, blameDisk } from './error.ts';
import { Patience, request } from './http.ts';

export interface DownloadOptions {
  /** A larger file is refused as soon as that is known. */
  maximumBytes: number;
  /** Milliseconds without a byte after which an attempt has failed. */
  patience: number;
  onProgress?(bytes: number, total: number | undefined): void;
}

/** An attempt that broke off after it had brought something is followed by another one. */
const ATTEMPTS = 5;

/**
 * Downloads to `part`, from where an earlier attempt stopped if the server can say that the file is still the same one
 * (by its ETag or its date, kept in `part`.json). What has come stays there when a download breaks off.
 * Throws BackboneError.
 */
export async function download(url: URL, part: string, options: DownloadOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      return await fetchRest(url, part, options);
    } catch (error) {
      const blamed = blameDisk(error, part);
      if (blamed instanceof BackboneError) throw blamed;
      const now = await sizeOf(part);
      if (attempt < ATTEMPTS && now > before) continue;
      const message = (error as Error).message;
      throw new BackboneError(
        now > 0
          ? `The download of ${url} broke off after ${now} bytes: ${message}. The next attempt goes on from there.`
          : `${url} can't be downloaded: ${message}.`,
        { cause: error },
      );
    }
  }
}

async function fetchRest(url: URL, part: string, options: DownloadOptions): Promise<void> {
  const validator = await readValidator(part);
  const offset = validator ? await sizeOf(part) : 0;
  const patience = new Patience(options.patience);
  try {
    const headers: Record<string, string> = {};
    if (validator && offset > 0) {
      headers.range = `bytes=${offset}-`;
      headers['if-range'] = validator;
    }
    const response = await request(url, headers, patience.signal);
    if (response.status === 416 && offset > 0) {
      await response.body?.cancel();
      await removePart(part);
      return await fetchRest(url, part, options);
    }
    const begin = startOf(url, response, offset);
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : begin + Number(length);
    if (total !== undefined) checkSize(url, total, options);
    if (begin === 0) await writeFile(`${part}.json`, JSON.stringify({ validator: validatorOf(response) }));
    await using file = await open(part, begin === 0 ? 'w' : 'r+');
    await receive(url, response, { file, begin, total }, patience, options);
    await file.sync();
  } finally {
    patience.end();
  }
}

interface Target {
  file: FileHandle;
  /** Where the bytes that come belong. */
  begin: number;
  total: number | undefined;
}

async function receive(
  url: URL,
  { body }: Response,
  { file, begin, total }: Target,
  patience: Patience,
  options: DownloadOptions,
): Promise<void> {
  let position = begin;
  for await (const chunk of body ?? []) {
    patience.alive();
    checkSize(url, position + chunk.length, options);
    for (let done = 0; done < chunk.length; ) {
      done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
    }
    position += chunk.length;
    options.onProgress?.(position, total);
  }
  if (total !== undefined && position !== total) throw new Error('the connection was closed');
}

/** The place in the file of the first byte that an answer brings. Throws BackboneError for an answer without it. */
function startOf(url: URL, { status, statusText, headers }: Response, offset: number): number {
  if (status === 200) return 0;
  if (status === 206 && headers.get('content-range')?.startsWith(`bytes ${offset}-`)) return offset;
  throw new BackboneError(`${url} answered ${status} ${statusText}`.trimEnd());
}

function checkSize(url: URL, bytes: number, { maximumBytes }: DownloadOptions): void {
  if (bytes > maximumBytes) {
    throw new BackboneError(`${url} has more than ${maximumBytes} bytes, which is the maximum.`);
  }
}

/** What names this version of the file for If-Range: a strong ETag, else its date. */
function validatorOf({ headers }: Response): string | undefined {
  const tag = headers.get('etag');
  if (tag?.startsWith('"')) return tag;
  return headers.get('last-modified') ?? undefined;
}

async function readValidator(part: string): Promise<string | undefined> {
  try {
    const { validator } = JSON.parse(await readFile(`${part}.json`, 'utf8'));
    return typeof validator === 'string' ? validator : undefined;
  } catch {
    return undefined; // None, or half written: the download begins anew.
  }
}

/** Removes what a download left. */
export async function removePart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
