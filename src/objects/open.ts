import { FolderObjects } from './folder.ts';
import { S3Objects, type S3Settings } from './s3.ts';

/** Where all buckets are. Plain JSON: it crosses the process boundary to the trainings. */
export type ObjectSettings = { folder: string } | { s3: S3Settings };

export function openObjects(settings: ObjectSettings): FolderObjects | S3Objects {
  return 's3' in settings ? new S3Objects(settings.s3) : new FolderObjects(settings.folder);
}
