import type { Answer, Call } from '../call.ts';
import { S3Error } from '../errors.ts';
import { readXml } from '../xml.ts';

const MAXIMUM_BYTES = 64 * 1024;

export async function PutBucketVersioning({ buckets, bucket, payload }: Call): Promise<Answer> {
  await buckets.folder(bucket);
  const configuration = readXml(await payload.whole(MAXIMUM_BYTES), 'VersioningConfiguration');
  const status = configuration.get('Status');
  if (status !== 'Enabled' && status !== 'Suspended') {
    throw new S3Error('MalformedXML', 'The Status of a VersioningConfiguration must be Enabled or Suspended');
  }
  if (configuration.get('MfaDelete') === 'Enabled') {
    throw new S3Error('NotImplemented', 'MfaDelete is not implemented.');
  }
  await buckets.catalogue.change(() => buckets.catalogue.setVersioning(bucket, status));
  return {};
}
