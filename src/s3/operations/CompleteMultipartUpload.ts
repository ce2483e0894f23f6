import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Checksum, Part, Upload } from '../../objects/folder/catalogue.ts';
import { dataPath } from '../../objects/folder/files.ts';
import type { Version } from '../../objects/folder/versions.ts';
import type { Answer, Call } from '../call.ts';
import { createSum, type Sum } from '../checksums.ts';
import { versionHeader } from '../choose.ts';
import { writeCondition } from '../conditions.ts';
import { S3Error } from '../errors.ts';
import { removePart, requireUpload } from '../uploads.ts';
import { type Node, readXml, writeXml } from '../xml.ts';

const MAXIMUM_BYTES = 4 * 1024 * 1024;
/** Of every part but the last. */
const MINIMUM_PART_BYTES = 5 * 1024 * 1024;

export async function CompleteMultipartUpload(call: Call): Promise<Answer> {
  const { buckets, bucket, key, headers } = call;
  const before = await completedBefore(call);
  if (before) return answer(call, before);
  const upload = requireUpload(call);
  call.payload.hasChecksum = false; // that in the headers is of the object
  const request = readXml(await call.payload.whole(MAXIMUM_BYTES), 'CompleteMultipartUpload');
  const all = buckets.catalogue.parts(upload.id);
  const parts = chooseParts(request, all, upload);
  const sum = upload.checksum?.type === 'FULL_OBJECT' ? createSum(upload.checksum.algorithm) : undefined;
  const written = await buckets.writeData(bucket, key, bytesOf(parts, await buckets.folder(bucket), sum));
  let inserted: Awaited<ReturnType<typeof buckets.insert>>;
  try {
    const checksum = await checksumOf(upload, parts, sum);
    checkGiven(headers, checksum);
    const properties = {
      ...upload.properties,
      checksum,
      parts: parts.map(({ size }) => size),
      upload: upload.id,
    };
    const object = { ...written, etag: etagOf(parts), properties };
    inserted = await buckets.insert(bucket, key, object, writeCondition(headers), () => {
      requireUpload(call); // of two that complete it at the same time one wins
      buckets.catalogue.removeUpload(upload.id);
    });
  } catch (error) {
    await rm(written.path, { force: true });
    throw error;
  }
  for (const part of all) await removePart(call, part.id);
  return answer(call, inserted.version);
}

/** A client that didn't get the answer asks again. */
async function completedBefore({ buckets, bucket, key, query }: Call): Promise<Version | undefined> {
  const versions = await buckets.versions(bucket, key);
  return versions.find(({ properties }) => properties.upload === query.get('uploadId'));
}

function answer(call: Call, version: Version): Answer {
  const { bucket, key, headers } = call;
  const { checksum } = version.properties;
  return {
    headers: versionHeader(call, version),
    body: writeXml('CompleteMultipartUploadResult', {
      Location: `http://${headers.host ?? ''}/${bucket}/${encodeURI(key)}`,
      Bucket: bucket,
      Key: key,
      ETag: `"${version.etag}"`,
      ...(checksum && { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }),
    }),
  };
}

function chooseParts(request: Node, uploaded: Part[], upload: Upload): Part[] {
  const wanted = request.all('Part');
  if (wanted.length === 0)
    throw new S3Error('MalformedXML', 'A CompleteMultipartUpload document has at least one Part');
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  let last = 0;
  const parts = wanted.map((element) => {
    const number = Number(element.get('PartNumber'));
    if (!(number > last)) {
      throw new S3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    }
    last = number;
    const part = byNumber.get(number);
    const given = upload.checksum && element.get(`Checksum${upload.checksum.algorithm}`);
    const differs = given !== undefined && part?.checksum !== undefined && given !== part.checksum;
    if (!part || element.get('ETag')?.replaceAll('"', '') !== part.etag || differs) {
      throw new S3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      );
    }
    return part;
  });
  if (parts.slice(0, -1).some(({ size }) => size < MINIMUM_PART_BYTES)) {
    throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
  }
  return parts;
}

async function* bytesOf(parts: Part[], folder: string, sum: Sum | undefined): AsyncGenerator<Uint8Array> {
  for (const { id } of parts) {
    for await (const chunk of createReadStream(dataPath(folder, id), { highWaterMark: 1024 * 1024 })) {
      sum?.update(chunk);
      yield chunk;
    }
  }
}

/** MD5 of the parts' MD5s, and how many they are. */
function etagOf(parts: Part[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

async function checksumOf(
  { checksum }: Upload,
  parts: Part[],
  sum: Sum | undefined,
): Promise<Checksum | undefined> {
  if (!checksum) return undefined;
  if (sum) return { ...checksum, value: Buffer.from(await sum.digest()).toString('base64') };
  if (parts.some((part) => part.checksum === undefined)) return undefined;
  const composite = createSum(checksum.algorithm)!;
  for (const part of parts) composite.update(Buffer.from(part.checksum!, 'base64'));
  const value = Buffer.from(await composite.digest()).toString('base64');
  return { ...checksum, value: `${value}-${parts.length}` };
}

/** A checksum of the whole that the client sent along. */
function checkGiven(headers: Call['headers'], checksum: Checksum | undefined): void {
  if (!checksum) return;
  const given = headers[`x-amz-checksum-${checksum.algorithm.toLowerCase()}`];
  const value = checksum.value;
  if (given !== undefined && given !== value && `${given}-` !== value.slice(0, String(given).length + 1)) {
    throw new S3Error(
      'BadDigest',
      `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    );
  }
}
