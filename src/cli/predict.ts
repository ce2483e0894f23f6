import { readFile } from 'node:fs/promises';
import type { CustomLabel, Image } from '@aws-sdk/client-rekognition';
import { parseObjectUrl } from './buckets.ts';
import { ApiError, type Client, openClient, type Wire } from './client.ts';
import { CliError, defineCommand } from './command.ts';
import { leave } from './wait.ts';

const help = `Usage: ocellus predict PROJECT VERSION IMAGE… [--min-confidence PERCENT] [--json]

Says what a version sees on images: local JPEG or PNG files, or s3://BUCKET/KEY of the server's buckets; where it finds
objects, also their places in percent of the image's width and height. A version that doesn't run is started for it and
stopped afterwards.

Options:
  --min-confidence PERCENT   labels from this confidence on; without it, those above their own thresholds,
                             which the training has set
  --json                     one line per image: {"image": …, "labels": […]}, or {"image": …, "error": …}

Exit status 1 when an image could not be looked at. Example: ocellus predict pets v1 new/*.jpg`;

const MOVING = ['STARTING', 'STOPPING'];

export const predict = defineCommand(
  {
    help,
    options: { 'min-confidence': { type: 'string' }, json: { type: 'boolean' } },
    operands: { minimum: 3, maximum: Number.POSITIVE_INFINITY },
  },
  async ([project = '', version = '', ...images], { json, 'min-confidence': minimum }) => {
    const MinConfidence = percent(minimum);
    const client = await openClient();
    return await withRunning(client, { project, version }, async (ProjectVersionArn) => {
      let failed = false;
      for (const image of images) {
        try {
          const Image = await readImage(image);
          const answer = await client.call('DetectCustomLabels', { ProjectVersionArn, Image, MinConfidence });
          const labels = answer.CustomLabels ?? [];
          console.log(json ? JSON.stringify({ image, labels }) : `${image}: ${describeLabels(labels)}`);
        } catch (error) {
          if (!isAboutTheImage(error)) throw error;
          failed = true;
          if (json) console.log(JSON.stringify({ image, error: error.message }));
          else console.error(`${image}: ${error.message}`);
        }
      }
      return failed ? 1 : 0;
    });
  },
);

function percent(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 100) return value;
  throw new CliError(`--min-confidence must be a number from 0 to 100, not "${text}".`, 2);
}

/** Runs the model for `work` and leaves it as it was found. */
async function withRunning<T>(
  client: Client,
  name: { project: string; version: string },
  work: (arn: string) => Promise<T>,
): Promise<T> {
  const { Status, ProjectVersionArn: arn } = await leave(client, name, MOVING);
  if (Status === 'RUNNING') return await work(arn!);
  await client.call('StartProjectVersion', { ProjectVersionArn: arn, MinInferenceUnits: 1 });
  const started = await leave(client, name, MOVING);
  if (started.Status !== 'RUNNING') {
    throw new CliError(`The model did not start: ${started.StatusMessage || started.Status}`);
  }
  try {
    return await work(arn!);
  } finally {
    await client.call('StopProjectVersion', { ProjectVersionArn: arn });
  }
}

class UnreadableFile extends CliError {}

async function readImage(image: string): Promise<Wire<Image>> {
  if (image.startsWith('s3://')) {
    const { bucket, key } = parseObjectUrl(image);
    return { S3Object: { Bucket: bucket, Name: key } };
  }
  try {
    return { Bytes: (await readFile(image)).toString('base64') };
  } catch (error) {
    throw new UnreadableFile(`The file can't be read: ${(error as Error).message}`);
  }
}

const IMAGE_CODES = new Set([
  'ImageTooLargeException',
  'InvalidImageFormatException',
  'InvalidParameterException',
  'InvalidS3ObjectException',
  'RequestEntityTooLargeException',
  'ValidationException',
]);

/** True when another image may fare better. */
function isAboutTheImage(error: unknown): error is CliError {
  return error instanceof UnreadableFile || (error instanceof ApiError && IMAGE_CODES.has(error.code));
}

function describeLabels(labels: Wire<CustomLabel>[]): string {
  return labels.map(describeLabel).join(', ') || 'nothing';
}

function describeLabel({ Name, Confidence, Geometry }: Wire<CustomLabel>): string {
  const box = Geometry?.BoundingBox;
  const share = (value = 0) => `${(100 * value).toFixed(1)} %`;
  const at = box
    ? ` at left ${share(box.Left)}, top ${share(box.Top)}, ${share(box.Width)} × ${share(box.Height)}`
    : '';
  return `${Name} ${Confidence!.toFixed(1)} %${at}`;
}
