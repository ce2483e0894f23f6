import type { IncomingHttpHeaders } from 'node:http';
import type { Condition } from '../objects/folder/buckets.ts';
import type { Version } from '../objects/folder/versions.ts';
import { S3Error } from './errors.ts';

function matches(header: string, etag: string): boolean {
  return header.split(',').some((one) => {
    const given = one.trim().replace(/^W\//, '').replaceAll('"', '');
    return given === '*' || given === etag;
  });
}

function failed(): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
}

/** Whole seconds, as HTTP dates are; undefined for no date, which HTTP says to ignore. */
function seconds(header: string | undefined): number | undefined {
  const time = Date.parse(header ?? '');
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/** RFC 9110, 13.2.2. `prefix` is the one of a copy's conditions on its source. Throws PreconditionFailed, NotModified. */
export function checkConditions(
  headers: IncomingHttpHeaders,
  { etag, modified }: Version,
  prefix = '',
): void {
  const header = (name: string) => headers[`${prefix}${name}`] as string | undefined;
  const changed = Math.floor(modified / 1000);
  const notModified = () =>
    prefix ? failed() : new S3Error('NotModified', 'Not Modified', { ETag: `"${etag}"` });
  const match = header('if-match');
  const unmodifiedSince = seconds(header('if-unmodified-since'));
  if (
    match !== undefined ? !matches(match, etag) : unmodifiedSince !== undefined && changed > unmodifiedSince
  ) {
    throw failed();
  }
  const noneMatch = header('if-none-match');
  const modifiedSince = seconds(header('if-modified-since'));
  if (
    noneMatch !== undefined
      ? matches(noneMatch, etag)
      : modifiedSince !== undefined && changed <= modifiedSince
  ) {
    throw notModified();
  }
}

/** The conditions of an upload, on the object that it would replace. */
export function writeCondition(headers: IncomingHttpHeaders): Condition {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  return (current) => {
    if (match !== undefined) {
      if (!current) throw new S3Error('NoSuchKey', 'The specified key does not exist.');
      if (!matches(match, current.etag)) throw failed();
    }
    if (noneMatch !== undefined && current && matches(noneMatch, current.etag)) throw failed();
  };
}
