import type { ImageSize } from '../../vision/image.ts';

/** A box in whole pixels, origin at the top left. */
export interface LabelledBox {
  label: string;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What is on one image, whatever format said so. */
export interface AnnotatedImage {
  /** Below the folder of the images, parts joined by `/`. */
  path: string;
  /** The size that the boxes refer to; absent where the format doesn't say. */
  size?: ImageSize;
  /** Of the image as a whole, distinct. */
  labels: string[];
  boxes: LabelledBox[];
}

/** A data set as the formats are converted from and to. */
export interface Annotations {
  /** What an image without annotations lacks. */
  kind: 'labels' | 'boxes';
  images: AnnotatedImage[];
  /** Labels in the order of the format's own class numbers, also those that no image has. */
  classes: string[];
  /** What was left out or may be wrong, in sentences. */
  notes: string[];
}

/** The annotations can't be converted; the message says where and why. */
export class ConvertError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConvertError';
  }
}

/** Annotators overhang the image by this much without meaning it, and rounding does, too. */
const OVERHANG = 1;

/**
 * Edges as a box of whole pixels. An overhang of up to a pixel is cut off; a larger one means that something is wrong
 * with the data and is kept, for the check of the manifest to tell.
 */
export function boxFromEdges(
  label: string,
  edges: { left: number; top: number; right: number; bottom: number },
  size: ImageSize | undefined,
): LabelledBox {
  const left = toFrame(edges.left, size?.width);
  const top = toFrame(edges.top, size?.height);
  const right = toFrame(edges.right, size?.width);
  const bottom = toFrame(edges.bottom, size?.height);
  return { label, left, top, width: right - left, height: bottom - top };
}

function toFrame(edge: number, length: number | undefined): number {
  const rounded = Math.round(edge);
  if (rounded < 0 && rounded >= -OVERHANG) return 0;
  if (length !== undefined && rounded > length && rounded <= length + OVERHANG) return length;
  return rounded === 0 ? 0 : rounded; // never -0
}

/** Distinct labels, in the order in which they first appear. */
export function labelsOf(images: readonly AnnotatedImage[]): string[] {
  return [...new Set(images.flatMap(({ labels, boxes }) => [...labels, ...boxes.map(({ label }) => label)]))];
}

/** Throws ConvertError when an image has labels as a whole, which a format of boxes can't hold. */
export function requireBoxes({ images }: Annotations, format: string): void {
  const labelled = images.find(({ labels }) => labels.length > 0);
  if (!labelled) return;
  throw new ConvertError(
    `${labelled.path} has the label "${labelled.labels[0]}" for the whole image, and ${format} holds boxes only. Use csv or folder.`,
  );
}

/** The size of an image that a format must name. */
export function requireSize({ path, size }: AnnotatedImage): ImageSize {
  if (!size) throw new ConvertError(`The size of ${path} is not known.`);
  return size;
}
