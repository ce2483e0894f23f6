import type { ObjectStore } from '../objects/objects.ts';
import type { Box } from '../vision/boxes.ts';
import { type ImageSize, readOrientation } from '../vision/image.ts';
import type { AnnotatedImage } from './annotated.ts';
import { readImage } from './images.ts';
import { inParallel } from './parallel.ts';

/**
 * Where boxes that were drawn on a picture as it is stored come to lie when the picture is turned upright, by the EXIF
 * orientations that swap its sides.
 */
const TURNS: Partial<Record<number, (box: Box) => Box>> = {
  5: ({ left, top, width, height }) => ({ left: top, top: left, width: height, height: width }),
  6: ({ left, top, width, height }) => ({ left: 1 - top - height, top: left, width: height, height: width }),
  7: ({ left, top, width, height }) => ({
    left: 1 - top - height,
    top: 1 - left - width,
    width: height,
    height: width,
  }),
  8: ({ left, top, width, height }) => ({ left: top, top: 1 - left - width, width: height, height: width }),
};

/**
 * Turns boxes that were drawn on a picture lying on its side, which `image_size` gives away: its sides are swapped. Of
 * pictures of another size still, the boxes are scaled, and a remark says so.
 */
export async function turnUpright(
  images: readonly AnnotatedImage[],
  objects: ObjectStore,
  note: (text: string) => void,
): Promise<AnnotatedImage[]> {
  const result = [...images];
  const others = [...images.entries()].filter(([, { size, fileSize }]) => !isSame(size, fileSize));
  const scaled: AnnotatedImage[] = [];
  await inParallel(others, objects.parallelReads, async ([index, image]) => {
    const lies = isSame({ width: image.size.height, height: image.size.width }, image.fileSize);
    const turn = lies && TURNS[await readOrientation(await readImage(objects, image.place))];
    if (turn) result[index] = turned(image, turn);
    else scaled.push(image);
  });
  if (scaled.length > 0) {
    const [{ url, size, fileSize }] = scaled as [AnnotatedImage];
    note(
      `The boxes of ${scaled.length} of ${images.length} images are given on another size than the image has, and were ` +
        `scaled: ${url} has ${fileSize.width} x ${fileSize.height} pixels, its boxes ${size.width} x ${size.height}.`,
    );
  }
  return result;
}

function isSame(a: ImageSize, b: ImageSize): boolean {
  return a.width === b.width && a.height === b.height;
}

function turned(image: AnnotatedImage, turn: (box: Box) => Box): AnnotatedImage {
  const boxes = image.boxes.map(({ label, ...box }) => ({ label, ...turn(box) }));
  return { ...image, size: image.fileSize, boxes };
}
