import { contentError, type LineErrorCode } from '../manifest/codes.ts';
import { ObjectError, type ObjectErrorReason, type ObjectRef, type ObjectStore } from '../objects/objects.ts';
import { decodeSquare, ImageError, inspectImage } from '../vision/image.ts';
import type { ManifestSet, SetLine } from './manifest-set.ts';
import { inParallel } from './parallel.ts';

/** Largest image file for training and testing, in bytes. */
export const MAXIMUM_IMAGE_BYTES = 15 * 1024 ** 2;

/** JPEG decodes to a small size fast, and still notices that the file is cut off. */
const TRIAL_SIZE = 32;

/**
 * Opens and decodes every image of the usable lines; a line whose image is refused becomes invalid. `onImage` is
 * called after each.
 */
export async function checkImages(
  set: ManifestSet,
  objects: ObjectStore,
  onImage: () => void,
): Promise<void> {
  const lines = set.lines.filter((line) => line.state === 'valid');
  let unreadable = 0;
  await inParallel(lines, objects.parallelReads, async (line) => {
    const refusal = await refuse(line, objects);
    if (refusal) {
      line.state = 'invalid';
      line.hasErrors = true;
      line.imageProblem = { code: refusal.code, place: { at: 'line' } };
      if (refusal.unreadable) unreadable++;
    }
    onImage();
  });
  if (lines.length > 0 && unreadable === lines.length) {
    set.errors.push(contentError('ERROR_FAILED_IMAGES_S3_COPY'));
  }
}

interface Refusal {
  code: LineErrorCode;
  /** True when the store didn't give the object. */
  unreadable: boolean;
}

/** Opens the image of a line and notes its size; answers with why it can't be used, if it can't. */
export async function refuse(line: SetLine, objects: ObjectStore): Promise<Refusal | undefined> {
  try {
    const file = await readImage(objects, line.image!);
    line.size = await inspectImage(file);
    await decodeSquare(file, TRIAL_SIZE);
  } catch (error) {
    if (error instanceof ImageError) return { code: refusalCode(line, error), unreadable: false };
    if (!isAboutTheObject(error)) throw error;
    return { code: 'ERROR_INVALID_IMAGE', unreadable: error.reason !== 'too-large' };
  }
}

/** An image with boxes has its own code for wrong dimensions. */
function refusalCode({ boxLabels }: SetLine, { reason }: ImageError): LineErrorCode {
  const dimension = reason === 'too-large' || reason === 'too-small';
  return dimension && boxLabels.length > 0 ? 'ERROR_INVALID_IMAGE_DIMENSION' : 'ERROR_INVALID_IMAGE';
}

const OBJECT_REASONS: ReadonlySet<ObjectErrorReason> = new Set(['no-key', 'denied', 'bad-key', 'too-large']);

/** False for a bucket that went away or a store that fails: no line is to blame for that. */
function isAboutTheObject(error: unknown): error is ObjectError {
  return error instanceof ObjectError && OBJECT_REASONS.has(error.reason);
}

/** The encoded file. Throws ObjectError. */
export async function readImage(objects: ObjectStore, image: ObjectRef): Promise<Buffer> {
  return await objects.read(image, MAXIMUM_IMAGE_BYTES);
}

/** What is wrong with one object is wrong with the image: a training goes on without it. */
function asImageError(error: unknown): never {
  if (isAboutTheObject(error)) throw new ImageError('gone', error.message, { cause: error });
  throw error;
}

/**
 * Reads one of the images; throws ImageError when the store doesn't give it. While they are asked for one after the other, the next ones are read already, as many at a
 * time as hide the store's delay.
 */
export function readAhead(images: ObjectRef[], objects: ObjectStore): (index: number) => Promise<Buffer> {
  const begun = new Map<number, Promise<Buffer>>();
  let next = 0;
  const read = (index: number) => {
    const reading = begun.get(index) ?? readImage(objects, images[index]!).catch(asImageError);
    begun.set(index, reading);
    reading.catch(() => {}); // whoever asks for it is told
    return reading;
  };
  return (index) => {
    const wanted = read(index);
    begun.delete(index);
    if (index === 0) next = 0; // once more from the beginning
    if (index === next) {
      next++;
      const end = Math.min(next + objects.parallelReads - 1, images.length);
      for (let ahead = next; ahead < end; ahead++) read(ahead);
    }
    return wanted;
  };
}
