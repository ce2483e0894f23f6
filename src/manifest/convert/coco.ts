import { z } from 'zod';
import type { ImageSize } from '../../vision/image.ts';
import {
  type AnnotatedImage,
  type Annotations,
  boxFromEdges,
  ConvertError,
  labelsOf,
  requireBoxes,
  requireSize,
} from './annotations.ts';

// COCO's "object detection" format: https://cocodataset.org/#format-data

const id = z.union([z.number(), z.string()]);
const side = z.number().int().positive();
const file = z.object({
  images: z.array(
    z.object({ id, file_name: z.string().min(1), width: side.optional(), height: side.optional() }),
  ),
  annotations: z.array(
    z.object({
      image_id: id,
      category_id: id,
      // Tools write an empty list where there is none.
      bbox: z.union([z.tuple([z.number(), z.number(), z.number(), z.number()]), z.tuple([])]).optional(),
      segmentation: z.unknown().optional(),
      iscrowd: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
    }),
  ),
  categories: z.array(z.object({ id, name: z.string().min(1) })),
});
type Coco = z.output<typeof file>;

/**
 * The boxes of a COCO file. Outlines (`segmentation`) are ignored, crowds (`iscrowd`) and annotations without a box are
 * left out; notes say how many. Throws {@link ConvertError}.
 *
 * @param text the JSON file
 */
export function fromCoco(text: string): Annotations {
  const coco = parse(text);
  const images = new Map(coco.images.map((image) => [image.id, toImage(image)]));
  const names = new Map(coco.categories.map((category) => [category.id, category.name]));
  if (images.size < coco.images.length) throw new ConvertError('Several images have the same id.');
  const skipped = { crowds: 0, boxless: 0, outlines: 0 };
  coco.annotations.forEach(({ image_id, category_id, bbox, segmentation, iscrowd }, index) => {
    const image = images.get(image_id);
    const label = names.get(category_id);
    if (!image)
      throw new ConvertError(`annotations[${index}] is of image ${image_id}, which is not in images.`);
    if (label === undefined) {
      throw new ConvertError(
        `annotations[${index}] is of category ${category_id}, which is not in categories.`,
      );
    }
    if (iscrowd) skipped.crowds++;
    else if (bbox?.length !== 4) skipped.boxless++;
    else {
      if (hasOutline(segmentation)) skipped.outlines++;
      const [left, top, width, height] = bbox;
      const edges = { left, top, right: left + width, bottom: top + height };
      image.boxes.push(boxFromEdges(label, edges, image.size));
    }
  });
  return {
    kind: 'boxes',
    images: [...images.values()],
    classes: [...names.values()],
    notes: notesOn(skipped),
  };
}

/** A COCO file. Throws {@link ConvertError} for labels of whole images. */
export function toCoco(annotations: Annotations): string {
  requireBoxes(annotations, 'coco');
  const names = labelsOf(annotations.images).sort();
  const ids = new Map(names.map((name, index) => [name, index + 1]));
  const images = annotations.images.map((image, index) => ({
    id: index + 1,
    file_name: image.path,
    ...requireSize(image),
  }));
  const boxes = annotations.images.flatMap((image, index) =>
    image.boxes.map((box) => ({ image_id: index + 1, box })),
  );
  return JSON.stringify({
    images,
    annotations: boxes.map(({ image_id, box: { label, left, top, width, height } }, index) => ({
      id: index + 1,
      image_id,
      category_id: ids.get(label),
      bbox: [left, top, width, height],
      area: width * height,
      iscrowd: 0,
    })),
    categories: names.map((name) => ({ id: ids.get(name), name })),
  });
}

function parse(text: string): Coco {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConvertError(`The file is not JSON: ${(cause as Error).message}`, { cause });
  }
  const { data, error } = file.safeParse(value);
  if (data) return data;
  const [issue] = error.issues;
  const place = issue!.path.length > 0 ? issue!.path.join('.') : 'The file';
  throw new ConvertError(`The file is not a COCO detection file. ${place}: ${issue!.message}`);
}

function toImage({ file_name, width, height }: Coco['images'][number]): AnnotatedImage {
  const size: ImageSize | undefined = width && height ? { width, height } : undefined;
  return { path: file_name, ...(size && { size }), labels: [], boxes: [] };
}

/** A list of polygons, or a mask in run lengths. */
function hasOutline(segmentation: unknown): boolean {
  return Array.isArray(segmentation) ? segmentation.length > 0 : Boolean(segmentation);
}

function notesOn({ crowds, boxless, outlines }: { crowds: number; boxless: number; outlines: number }) {
  return [
    crowds > 0 && `${crowds} crowd annotations (iscrowd) were left out: they mark no single object.`,
    boxless > 0 && `${boxless} annotations without a bbox were left out.`,
    outlines > 0 && `${outlines} outlines (segmentation) were ignored; their boxes were taken.`,
  ].filter((note) => note !== false);
}
