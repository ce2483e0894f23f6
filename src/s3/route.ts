import type { IncomingHttpHeaders } from 'node:http';
import type { Handler } from './call.ts';
import { S3Error } from './errors.ts';
import { AbortMultipartUpload } from './operations/AbortMultipartUpload.ts';
import { CompleteMultipartUpload } from './operations/CompleteMultipartUpload.ts';
import { CopyObject } from './operations/CopyObject.ts';
import { CreateBucket } from './operations/CreateBucket.ts';
import { CreateMultipartUpload } from './operations/CreateMultipartUpload.ts';
import { DeleteBucket } from './operations/DeleteBucket.ts';
import { DeleteObject } from './operations/DeleteObject.ts';
import { DeleteObjects } from './operations/DeleteObjects.ts';
import { DeleteObjectTagging } from './operations/DeleteObjectTagging.ts';
import { GetBucketLocation } from './operations/GetBucketLocation.ts';
import { GetBucketVersioning } from './operations/GetBucketVersioning.ts';
import { GetObject } from './operations/GetObject.ts';
import { GetObjectTagging } from './operations/GetObjectTagging.ts';
import { HeadBucket } from './operations/HeadBucket.ts';
import { HeadObject } from './operations/HeadObject.ts';
import { ListBuckets } from './operations/ListBuckets.ts';
import { ListMultipartUploads } from './operations/ListMultipartUploads.ts';
import { ListObjects } from './operations/ListObjects.ts';
import { ListObjectsV2 } from './operations/ListObjectsV2.ts';
import { ListObjectVersions } from './operations/ListObjectVersions.ts';
import { ListParts } from './operations/ListParts.ts';
import { PutBucketVersioning } from './operations/PutBucketVersioning.ts';
import { PutObject } from './operations/PutObject.ts';
import { PutObjectTagging } from './operations/PutObjectTagging.ts';
import { UploadPart } from './operations/UploadPart.ts';
import { UploadPartCopy } from './operations/UploadPartCopy.ts';

/** An operation's method, what it is about, and the query parameter that tells it from others. */
type Route = [method: string, target: 'service' | 'bucket' | 'object', subresource: string, handler: Handler];

const ROUTES: Route[] = [
  ['GET', 'service', '', ListBuckets],
  ['PUT', 'bucket', '', CreateBucket],
  ['DELETE', 'bucket', '', DeleteBucket],
  ['HEAD', 'bucket', '', HeadBucket],
  ['GET', 'bucket', 'location', GetBucketLocation],
  ['GET', 'bucket', 'versioning', GetBucketVersioning],
  ['PUT', 'bucket', 'versioning', PutBucketVersioning],
  ['GET', 'bucket', '', ListObjects],
  ['GET', 'bucket', 'list-type', ListObjectsV2],
  ['GET', 'bucket', 'versions', ListObjectVersions],
  ['GET', 'bucket', 'uploads', ListMultipartUploads],
  ['POST', 'bucket', 'delete', DeleteObjects],
  ['PUT', 'object', '', PutObject],
  ['GET', 'object', '', GetObject],
  ['HEAD', 'object', '', HeadObject],
  ['DELETE', 'object', '', DeleteObject],
  ['PUT', 'object', 'copy', CopyObject],
  ['GET', 'object', 'tagging', GetObjectTagging],
  ['PUT', 'object', 'tagging', PutObjectTagging],
  ['DELETE', 'object', 'tagging', DeleteObjectTagging],
  ['POST', 'object', 'uploads', CreateMultipartUpload],
  ['PUT', 'object', 'uploadId', UploadPart],
  ['PUT', 'object', 'uploadId copy', UploadPartCopy],
  ['POST', 'object', 'uploadId', CompleteMultipartUpload],
  ['DELETE', 'object', 'uploadId', AbortMultipartUpload],
  ['GET', 'object', 'uploadId', ListParts],
];

/** Query parameters that make another operation of a request, also those of operations that aren't here. */
const SUBRESOURCES = [
  'accelerate',
  'acl',
  'analytics',
  'append',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'list-type',
  'location',
  'logging',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
];

/** The operation of a request. Throws NotImplemented and MethodNotAllowed. */
export function route(
  method: string,
  bucket: string,
  key: string,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
): Handler {
  const target = key !== '' ? 'object' : bucket !== '' ? 'bucket' : 'service';
  const named = SUBRESOURCES.find((name) => query.has(name)) ?? '';
  const copies = target === 'object' && method === 'PUT' && headers['x-amz-copy-source'] !== undefined;
  const subresource = copies ? `${named} copy`.trim() : named;
  const found = ROUTES.find(([m, t, s]) => m === method && t === target && s === subresource);
  if (found) return found[3];
  if (subresource !== '' || method === 'POST') {
    const what = [method, target, subresource].filter(Boolean).join(' ');
    throw new S3Error(
      'NotImplemented',
      `A request you provided implies functionality that is not implemented: ${what}`,
    );
  }
  throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.');
}
