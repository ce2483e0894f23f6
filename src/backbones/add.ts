import { createHash } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { BackboneDescription } from '../vision/backbone.ts';
import { type DownloadOptions, download, removePart } from './download.ts';
import { BackboneError, blameDisk } from './error.ts';
import { checkFile, checksumOf, copyFile } from './files.ts';
import type { Backbones, InstalledBackbone } from './library.ts';
import { lockFile } from './lock.ts';
import { besideSource, nameSource, parseSource, readDescription, type Source } from './source.ts';

/** A backbone's file may have a gibibyte: 250 million weights. */
export const MAXIMUM_BYTES = 1024 ** 3;
const PATIENCE = 30_000;

export interface AddOptions {
  /** Instead of the name in the description. */
  name?: string;
  /** SHA-256 that the file must have, hexadecimal. */
  checksum?: string;
  /** Path or address of the description, where it isn't beside the file. */
  description?: string;
  maximumBytes?: number;
  /** Milliseconds without a byte after which a download breaks off. */
  patience?: number;
  onProgress?: DownloadOptions['onProgress'];
}

/**
 * Takes a backbone from a path or an address into the data directory. A download that broke off goes on where it stopped
 * when it is asked for again. Throws BackboneError.
 */
export async function addBackbone(
  backbones: Backbones,
  from: string,
  options: AddOptions = {},
): Promise<InstalledBackbone> {
  try {
    return await add(backbones, from, options);
  } catch (error) {
    throw blameDisk(error, backbones.root);
  }
}

async function add(backbones: Backbones, from: string, options: AddOptions): Promise<InstalledBackbone> {
  const source = parseSource(from);
  const { patience = PATIENCE, maximumBytes = MAXIMUM_BYTES } = options;
  const beside = options.description === undefined ? besideSource(source) : parseSource(options.description);
  if ('path' in source) await checkFile(source.path, maximumBytes);
  const description = renamed(await readDescription(beside, patience), options.name);
  if ('url' in source) return await addDownload(backbones, source.url, description, options);

  const checksum = await checksumOf(source.path);
  checkChecksum(source, checksum, options);
  const present = await backbones.alike(description, checksum);
  if (present) return present;
  return await backbones.install(description, source.path, (path) =>
    copyFile(source.path, path, maximumBytes),
  );
}

/** The setting for trainings that start from fresh weights. */
const NONE = 'none';

/**
 * The backbone that trainings start from: without a setting the one that comes with Ocellus; undefined for `none`. One
 * that the setting names is taken into the data directory unless it is there: versions that were made from it keep it
 * when the setting changes. An address is asked once. Throws BackboneError.
 */
export async function resolveBackbone(
  backbones: Backbones,
  setting: string | undefined,
): Promise<InstalledBackbone | undefined> {
  if (setting === undefined) return await backbones.shipped();
  if (setting === NONE) return undefined;
  const source = parseSource(setting);
  if ('url' in source) {
    const known = (await backbones.list()).find(({ from }) => from === nameSource(source));
    if (known) return known;
  }
  return await addBackbone(backbones, setting);
}

async function addDownload(
  backbones: Backbones,
  url: URL,
  description: BackboneDescription,
  options: AddOptions,
): Promise<InstalledBackbone> {
  const { patience = PATIENCE, maximumBytes = MAXIMUM_BYTES, onProgress } = options;
  const folder = join(backbones.root, '.downloads');
  await mkdir(folder, { recursive: true });
  const part = partPath(backbones, url);
  await using _lock = await lockFile(`${part}.lock`, `${url} is being downloaded`);
  await download(url, part, { maximumBytes, patience, onProgress });
  try {
    checkChecksum({ url }, await checksumOf(part), options);
    return await backbones.install(description, url.href, (path) => rename(part, path));
  } finally {
    // Whole, so there is nothing to go on with: wrong, or used.
    await removePart(part);
  }
}

/** Where a download lies until it is whole. */
export function partPath(backbones: Backbones, url: URL): string {
  const key = createHash('sha256').update(url.href).digest('hex').slice(0, 16);
  return join(backbones.root, '.downloads', `${key}.part`);
}

function checkChecksum(source: Source, found: string, { checksum }: AddOptions): void {
  if (checksum === undefined || checksum.toLowerCase() === found) return;
  throw new BackboneError(`${nameSource(source)} has the SHA-256 ${found}, and not ${checksum}.`);
}

function renamed(description: BackboneDescription, name = description.name): BackboneDescription {
  const result = BackboneDescription.safeParse({ ...description, name });
  if (result.success) return result.data;
  throw new BackboneError(
    `"${name}" is not a name: use up to 64 letters, digits, dots, hyphens and underscores.`,
  );
}
