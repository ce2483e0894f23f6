import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Properties, Row } from './catalogue.ts';
import { dataPath, type PlainFile } from './files.ts';

/** A version of an object, or a delete marker, that is there. */
export interface Version {
  /** Undefined for a file that was copied in by hand. */
  id: string | undefined;
  key: string;
  nullVersion: boolean;
  marker: boolean;
  size: number;
  /** Milliseconds. */
  modified: number;
  /** Without quotes. */
  etag: string;
  properties: Properties;
  identity: string;
  /** File of the bytes; the empty string for a delete marker. */
  path: string;
}

/** The version id that S3 shows: `null` for what was written while the bucket kept no versions. */
export function versionId({ id, nullVersion }: Pick<Version, 'id' | 'nullVersion'>): string {
  return nullVersion ? 'null' : id!;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * A key's versions, the newest first, from its rows (the newest first, too) and the file that the key names. A row
 * whose bytes are nowhere is left out: a write replaced them, or somebody removed the file. A file that belongs to no
 * row was copied in by hand, and is the newest. Of versions named "null" only the newest counts, so that a write that
 * was cut off between its steps shows the old object or the new one.
 */
export function liveVersions(
  bucketFolder: string,
  key: string,
  rows: Row[],
  plain: PlainFile | undefined,
): Version[] {
  const versions: Version[] = [];
  const owner = plain && rows.find((row) => !row.marker && row.identity === plain.identity);
  if (plain && !owner) versions.push(madeByHand(key, plain));
  for (const row of rows) {
    if (row.nullVersion && versions.some((version) => version.nullVersion)) continue;
    const blob = dataPath(bucketFolder, row.id);
    if (row.marker) versions.push({ ...row, path: '' });
    else if (row === owner) versions.push({ ...row, path: plain!.path });
    else if (exists(blob)) versions.push({ ...row, path: blob });
  }
  return versions;
}

/**
 * A file that no request wrote. Its ETag is made of size and time of change, and has the form of a multipart
 * upload's, which tells clients that it isn't the MD5 of the bytes.
 */
function madeByHand(key: string, { path, identity, size, modified }: PlainFile): Version {
  const etag = `${createHash('md5').update(identity).digest('hex')}-1`;
  const properties = { headers: {}, tags: {} };
  return {
    id: undefined,
    key,
    nullVersion: true,
    marker: false,
    size,
    modified,
    etag,
    properties,
    identity,
    path,
  };
}
