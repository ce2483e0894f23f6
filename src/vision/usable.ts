import { TrainingError } from './error.ts';
import { ImageError } from './image.ts';

/** A picture that a training is given. */
export interface GivenPicture {
  /** A stable name for messages. */
  id: string;
  /** Indices into the labels. */
  labels?: readonly number[];
}

/** Share of the pictures that may be left out. */
const TOLERATED = 0.2;
/** Pictures that are opened at a time. */
const AT_ONCE = 4;

/**
 * Opens every picture by `open`, begun in order, a few at a time, and returns the places of those that could be: a picture that has
 * gone or broken since it was checked (ImageError) is left out. Throws TrainingError when that are more than a
 * fifth or a label has no other, and any other error as it is.
 *
 * @param onProgress is given the number of pictures done, and a remark for users when some were left out
 */
export async function openPictures(
  pictures: readonly GivenPicture[],
  labels: readonly string[],
  open: (place: number) => Promise<void>,
  onProgress: (done: number, note?: string) => void,
): Promise<number[]> {
  const failures = new Map<number, ImageError>();
  for (let from = 0; from < pictures.length; from += AT_ONCE) {
    const places = Array.from({ length: Math.min(AT_ONCE, pictures.length - from) }, (_, k) => from + k);
    const opened = await Promise.allSettled(places.map((place) => open(place)));
    for (const [k, result] of opened.entries()) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof ImageError)) throw result.reason;
      failures.set(places[k]!, result.reason);
    }
    onProgress(from + places.length);
  }
  if (failures.size > 0) onProgress(pictures.length, describeLoss(failures, pictures, 'training', labels));
  return pictures.flatMap((_, place) => (failures.has(place) ? [] : [place]));
}

/**
 * The remark that some pictures, by their places, were left out. Throws TrainingError when that are more than a fifth, or when
 * one of `labels` has no other.
 */
export function describeLoss(
  failures: ReadonlyMap<number, ImageError>,
  pictures: readonly GivenPicture[],
  set: 'training' | 'test',
  labels: readonly string[] = [],
): string {
  const [[place, { message }]] = [...failures] as [[number, ImageError]];
  const lost = `${failures.size} of ${pictures.length} ${set} images`;
  const example = `${failures.size > 1 ? 'The first of them: ' : ''}${pictures[place]!.id}: ${message}`;
  if (failures.size > TOLERATED * pictures.length) {
    throw new TrainingError(`${lost} could not be used, which is more than a fifth. ${example}`);
  }
  const left = new Set(pictures.flatMap((picture, i) => (failures.has(i) ? [] : (picture.labels ?? []))));
  const gone = labels.find((_, label) => !left.has(label));
  if (gone !== undefined) {
    throw new TrainingError(
      `The label ${gone} has no training image any more: ${lost} could not be used. ${example}`,
    );
  }
  return `${lost} could not be used and ${failures.size > 1 ? 'were' : 'was'} left out. ${example}`;
}
