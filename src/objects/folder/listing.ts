import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalogue, Row } from './catalogue.ts';
import { plainPath, RESERVED, statPlain } from './files.ts';
import { compareKeys, LAST } from './order.ts';
import { liveVersions, type Version } from './versions.ts';

/** Names kept in memory of folders that were read, so that the next page of a listing needn't read them again. */
const MAXIMUM_NAMES = 1_000_000;

/** A folder that changed just now may change again without its time of change telling. */
const SETTLED_MS = 100;

const ROWS = 1000;

/** Lists the objects of folder buckets: files and rows of the catalogue, merged by key. */
export class Listing {
  readonly #catalogue: Catalogue;
  readonly #folders = new Map<string, { changed: bigint; names: string[] }>();
  #names = 0;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /** For each key from `lower` on, in order, its versions, the newest first. */
  async *versions(bucket: string, folder: string, lower: string): AsyncGenerator<Version[]> {
    const files = this.#files(folder, '', lower);
    const groups = this.#rows(bucket, lower);
    let file = await files.next();
    let group = groups.next();
    while (!file.done || !group.done) {
      const order = file.done ? 1 : group.done ? -1 : compareKeys(file.value, group.value.key);
      const key = order <= 0 ? file.value! : group.value!.key;
      const rows = order >= 0 ? group.value!.rows : [];
      const plain = order <= 0 ? statPlain(plainPath(folder, key)) : undefined;
      const versions = liveVersions(folder, key, rows, plain);
      if (versions.length > 0) yield versions;
      if (order <= 0) file = await files.next();
      if (order >= 0) group = groups.next();
    }
  }

  *#rows(bucket: string, lower: string): Generator<{ key: string; rows: Row[] }, undefined> {
    let group: Row[] = [];
    let page = this.#catalogue.page(bucket, lower, undefined, ROWS);
    while (page.length > 0) {
      for (const row of page) {
        if (group.length > 0 && group[0]!.key !== row.key) {
          yield { key: group[0]!.key, rows: group };
          group = [];
        }
        group.push(row);
      }
      page = this.#catalogue.page(bucket, lower, page.at(-1), ROWS);
    }
    if (group.length > 0) yield { key: group[0]!.key, rows: group };
  }

  /** Keys of the files below a folder of the bucket, from `lower` on. */
  async *#files(bucketFolder: string, prefix: string, lower: string): AsyncGenerator<string, undefined> {
    const names = await this.#readFolder(join(bucketFolder, prefix), prefix === '');
    for (let i = firstFrom(names, prefix, lower); i < names.length; i++) {
      const key = prefix + names[i];
      if (key.endsWith('/')) yield* this.#files(bucketFolder, key, lower);
      else yield key;
    }
  }

  /** Names of files, and of folders with a `/` at their end, in the order of keys. Links are neither. */
  async #readFolder(path: string, isBucket: boolean): Promise<string[]> {
    const status = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (!status) return [];
    const known = this.#folders.get(path);
    if (known?.changed === status.mtimeNs) return known.names;
    this.#forget(path);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    const names = entries
      .filter((entry) => (entry.isFile() || entry.isDirectory()) && !(isBucket && entry.name === RESERVED))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort(compareKeys);
    if (Date.now() - Number(status.mtimeMs) > SETTLED_MS) {
      this.#folders.set(path, { changed: status.mtimeNs, names });
      this.#names += names.length;
      for (const oldest of this.#folders.keys()) {
        if (this.#names <= MAXIMUM_NAMES || oldest === path) break;
        this.#forget(oldest);
      }
    }
    return names;
  }

  #forget(path: string): void {
    this.#names -= this.#folders.get(path)?.names.length ?? 0;
    this.#folders.delete(path);
  }
}

/** Index of the first name that is, or as a folder may have, a key from `lower` on. */
function firstFrom(names: string[], prefix: string, lower: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const key = prefix + names[middle];
    const last = key.endsWith('/') ? key + LAST : key;
    if (compareKeys(last, lower) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
