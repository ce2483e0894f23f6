import { z } from 'zod';
import { ObjectError } from '../objects/objects.ts';
import { NotServedError, type Prediction } from '../serving/models.ts';
import type { Box } from '../vision/boxes.ts';
import { ImageError } from '../vision/image.ts';
import { ServiceError } from './errors.ts';
import { requireVersion } from './lookup.ts';
import { type Context, defineOperation } from './operation.ts';
import { Image, MaxLabels, Percent, ProjectVersionArn, type S3Object } from './shapes.ts';

const MAXIMUM_BYTES = 4 * 1024 * 1024;
const MAXIMUM_S3_BYTES = 15 * 1024 * 1024;

function imageTooLarge(): ServiceError {
  return new ServiceError('ImageTooLargeException', 'Image size is too large.');
}

function notReady(arn: string): ServiceError {
  return new ServiceError(
    'ResourceNotReadyException',
    `The project version ${arn} is not in the RUNNING state.`,
  );
}

function checkSource({ Bytes, S3Object }: Image): void {
  if ((Bytes === undefined) === (S3Object === undefined)) {
    throw new ServiceError(
      'InvalidParameterException',
      'Request has invalid parameters: Image must have either Bytes or S3Object.',
    );
  }
}

async function readObject(
  { Bucket = '', Name = '', Version }: S3Object,
  { objects }: Context,
): Promise<Uint8Array> {
  try {
    return await objects.read({ bucket: Bucket, key: Name, version: Version }, MAXIMUM_S3_BYTES);
  } catch (error) {
    if (!(error instanceof ObjectError) || error.reason === 'io') throw error;
    if (error.reason === 'too-large') throw imageTooLarge();
    throw new ServiceError(
      'InvalidS3ObjectException',
      'Unable to get object metadata from S3. Check object key, region and/or access permissions.',
    );
  }
}

async function readImage(image: Image, context: Context): Promise<Uint8Array> {
  if (!image.Bytes) return await readObject(image.S3Object ?? {}, context);
  if (image.Bytes.length > MAXIMUM_BYTES) throw imageTooLarge();
  return image.Bytes;
}

function refuseImage(error: ImageError): ServiceError {
  switch (error.reason) {
    case 'format':
    case 'broken':
      return new ServiceError('InvalidImageFormatException', 'Request has invalid image format');
    case 'too-large':
      return new ServiceError('ImageTooLargeException', error.message);
    case 'too-small':
    case 'ratio':
      return new ServiceError('InvalidParameterException', error.message);
    case 'gone':
      throw error; // only said of images that are read later
  }
}

async function predict(arn: string, id: string, image: Uint8Array, { models }: Context) {
  try {
    return await models.predict(id, image);
  } catch (error) {
    if (error instanceof ImageError) throw refuseImage(error);
    if (!(error instanceof NotServedError)) throw error;
    if (error.reason === 'not-running') throw notReady(arn);
    throw new ServiceError('ProvisionedThroughputExceededException', 'Provisioned Rate exceeded.');
  }
}

/** Shares of the upright image, as 32-bit numbers. The service leaves the polygon out. */
function geometry({ left, top, width, height }: Box) {
  return {
    BoundingBox: {
      Width: Math.fround(width),
      Height: Math.fround(height),
      Left: Math.fround(left),
      Top: Math.fround(top),
    },
  };
}

/** The labels above the threshold, best first. The service gives confidences as 32-bit percentages. */
function select(predictions: Prediction[], minimum: number | undefined, maximum: number | undefined) {
  const labels = predictions
    .map(({ label, score, threshold, box }) => ({
      answer: {
        Name: label,
        Confidence: Math.fround(score * 100),
        Geometry: box && geometry(box),
      },
      assumed: score >= threshold,
    }))
    .filter(({ answer, assumed }) => (minimum === undefined ? assumed : answer.Confidence >= minimum))
    .map(({ answer }) => answer)
    .sort((a, b) => b.Confidence - a.Confidence);
  // MaxResults 0 is legal and means no limit.
  return maximum ? labels.slice(0, maximum) : labels;
}

export const DetectCustomLabels = defineOperation({
  name: 'DetectCustomLabels',
  input: z.object({
    ProjectVersionArn,
    Image,
    MaxResults: MaxLabels.optional(),
    MinConfidence: Percent.optional(),
  }),
  async handle({ ProjectVersionArn: arn, Image: source, MaxResults, MinConfidence }, context) {
    checkSource(source);
    const { id, status } = await requireVersion(arn, context);
    if (status !== 'RUNNING') throw notReady(arn);
    const image = await readImage(source, context);
    const predictions = await predict(arn, id, image, context);
    return { CustomLabels: select(predictions, MinConfidence, MaxResults) };
  },
});
