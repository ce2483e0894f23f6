import type { Answer, Call } from '../call.ts';
import { S3Error, toS3Error } from '../errors.ts';
import { removeObject } from '../remove.ts';
import { readXml, writeXml, type XmlObject } from '../xml.ts';

const MAXIMUM_BYTES = 4 * 1024 * 1024;
const MAXIMUM_KEYS = 1000;

export async function DeleteObjects(call: Call): Promise<Answer> {
  await call.buckets.folder(call.bucket);
  const request = readXml(await call.payload.whole(MAXIMUM_BYTES), 'Delete');
  const objects = request.all('Object');
  if (objects.length === 0 || objects.length > MAXIMUM_KEYS || objects.some((one) => !one.get('Key'))) {
    throw new S3Error('MalformedXML', `A Delete document has 1 to ${MAXIMUM_KEYS} Objects, each with a Key`);
  }
  const quiet = request.get('Quiet') === 'true';
  const Deleted: XmlObject[] = [];
  const Errors: XmlObject[] = [];
  for (const object of objects) {
    const Key = object.get('Key')!;
    const VersionId = object.get('VersionId') || undefined;
    const etag = object.get('ETag');
    try {
      if (object.get('LastModifiedTime') !== undefined || object.get('Size') !== undefined) {
        throw new S3Error('NotImplemented', 'Conditions on LastModifiedTime and Size are not implemented.');
      }
      const headers = etag === undefined ? {} : { 'if-match': etag };
      const { marker, version } = await removeObject({ ...call, headers }, Key, VersionId);
      Deleted.push({
        Key,
        VersionId,
        ...(marker && { DeleteMarker: true, DeleteMarkerVersionId: version }),
      });
    } catch (thrown) {
      const error = toS3Error(thrown);
      if (!error) throw thrown;
      Errors.push({ Key, VersionId, Code: error.code, Message: error.message });
    }
  }
  return { body: writeXml('DeleteResult', { Deleted: quiet ? [] : Deleted, Error: Errors }) };
}
