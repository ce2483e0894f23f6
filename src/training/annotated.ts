import { createReadStream } from 'node:fs';
import { parseLine } from '../manifest/line.ts';
import type { Box as ManifestBox } from '../manifest/parsed.ts';
import { readLines } from '../manifest/reader.ts';
import { type ObjectRef, objectUrl } from '../objects/objects.ts';
import type { Box } from '../vision/boxes.ts';
import type { ImageSize } from '../vision/image.ts';
import { usableLines } from './labels.ts';
import type { ManifestSet, SetLine } from './manifest-set.ts';

/** A box in shares of the upright image, with its label by name. */
export interface NamedBox extends Box {
  label: string;
}

/** One image that is used, with the boxes of its objects. */
export interface AnnotatedImage {
  /** `s3://bucket/key`. */
  url: string;
  place: ObjectRef;
  /** Size in pixels that the manifest gives its boxes on. */
  size: ImageSize;
  /** Size in pixels of the image in the file, upright. */
  fileSize: ImageSize;
  boxes: NamedBox[];
}

/** The images of a set that have boxes. Their boxes are read from the manifest's local copy: only a detector needs them. */
export async function annotatedImages(set: ManifestSet): Promise<AnnotatedImage[]> {
  const used = usableLines(set.lines, 'OBJECT_LOCALIZATION');
  const boxes = await readBoxes(set.file, new Set(used.map(({ number }) => number)));
  return used.map((line) => annotate(line, boxes.get(line.number)!));
}

async function readBoxes(file: string, wanted: Set<number>): Promise<Map<number, ManifestBox[]>> {
  const boxes = new Map<number, ManifestBox[]>();
  if (wanted.size === 0) return boxes;
  for await (const { number, text } of readLines(createReadStream(file))) {
    if (wanted.has(number)) boxes.set(number, parseLine(text).boxes);
  }
  return boxes;
}

function annotate({ image, wholeImage, size, boxLabels }: SetLine, boxes: ManifestBox[]): AnnotatedImage {
  const about = { url: objectUrl(image!), place: image!, fileSize: size! };
  if (!wholeImage) return { ...about, size: boxes[0]!.image, boxes: boxes.map(inShares) };
  const whole = { left: 0, top: 0, width: 1, height: 1 };
  return { ...about, size: size!, boxes: boxLabels.map((label) => ({ label, ...whole })) };
}

/** Relative to the size that the box was drawn on: the file may have another one. */
function inShares({ label, left, top, width, height, image }: ManifestBox): NamedBox {
  return {
    label,
    left: left / image.width,
    top: top / image.height,
    width: width / image.width,
    height: height / image.height,
  };
}
