import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Photographs and manifests in a bucket folder, ready for a training. */
export interface DataSet {
  /** Name of the project to make. */
  project: string;
  bucket: string;
  labels: string[];
  training: { manifest: string; images: number };
  /** Absent: the server sets a fifth of the training images apart (AutoCreate). */
  test?: { manifest: string; images: number };
  /** Pictures outside the data set. Absent: some of the test images are taken. */
  unseen?: Unseen[];
}

/** A picture to show to the finished model. */
export interface Unseen {
  name: string;
  label: string;
  image: { Bytes: Uint8Array } | { S3Object: { Bucket: string; Name: string } };
}

/** A labelled image of the bucket. */
export interface Entry {
  key: string;
  label: string;
}

/** Writes a file of the bucket folder and the folders above it. */
export async function putObject(bucketFolder: string, key: string, body: Uint8Array | string): Promise<void> {
  const file = join(bucketFolder, key);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, body);
}

/** A manifest with one image-level label per line, in the form of SageMaker Ground Truth. */
export function manifest(bucket: string, entries: Entry[]): string {
  const labels = [...new Set(entries.map(({ label }) => label))].sort();
  const date = new Date().toISOString();
  return entries
    .map(({ key, label }) => {
      const metadata = {
        confidence: 1,
        'class-name': label,
        'human-annotated': 'yes',
        'creation-date': date,
        type: 'groundtruth/image-classification',
        'job-name': 'labeling-job/label',
      };
      const line = {
        'source-ref': `s3://${bucket}/${key}`,
        label: labels.indexOf(label),
        'label-metadata': metadata,
      };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
}
