import type { ImageSize } from '../../vision/image.ts';
import { parseLine, parseObject } from '../line.ts';
import { isObject, type JsonObject } from '../parsed.ts';
import type { AnnotatedImage, LabelledBox } from './annotations.ts';

const JOB = 'ocellus-import';

/**
 * An image as a line of a manifest. Labels of the whole image are an attribute each, `label` or `label0`, `label1` …;
 * boxes are the attribute `boxes`, also when there are none but the data set is one of boxes.
 *
 * @param url `s3://bucket/key` of the image
 * @param classes class ids of boxes are positions in it
 */
export function toLine(
  { labels, boxes, size }: Omit<AnnotatedImage, 'path'>,
  url: string,
  { kind, classes, date }: { kind: 'labels' | 'boxes'; classes: readonly string[]; date: Date },
): string {
  const origin = { 'human-annotated': 'yes', 'creation-date': date.toISOString(), 'job-name': JOB };
  const line: JsonObject = { 'source-ref': url };
  labels.forEach((label, index) => {
    const attribute = labels.length === 1 ? 'label' : `label${index}`;
    line[attribute] = 1;
    line[`${attribute}-metadata`] = {
      'class-name': label,
      confidence: 1,
      ...origin,
      type: 'groundtruth/image-classification',
    };
  });
  if (boxes.length > 0 || (kind === 'boxes' && labels.length === 0)) {
    Object.assign(line, boxAttribute(boxes, size!, classes, origin));
  }
  return JSON.stringify(line);
}

function boxAttribute(
  boxes: readonly LabelledBox[],
  { width, height }: ImageSize,
  classes: readonly string[],
  origin: JsonObject,
) {
  const ids = new Map(boxes.map(({ label }) => [label, classes.indexOf(label)]));
  return {
    boxes: {
      image_size: [{ width, height, depth: 3 }],
      annotations: boxes.map(({ label, left, top, width, height }) => ({
        class_id: ids.get(label),
        left,
        top,
        width,
        height,
      })),
    },
    'boxes-metadata': {
      objects: boxes.map(() => ({ confidence: 1 })),
      'class-map': Object.fromEntries([...ids].map(([label, id]) => [String(id), label])),
      ...origin,
      type: 'groundtruth/object-detection',
    },
  };
}

/** An image of a manifest, or undefined for a line that no training would use for want of validity. */
export function fromLine(
  text: string | undefined,
): (Omit<AnnotatedImage, 'path'> & { bucket: string; key: string }) | undefined {
  const { state, image, labels, boxes } = parseLine(text);
  if (state === 'invalid' || !image) return undefined;
  const size = boxes[0]?.image ?? emptySize(parseObject(text)!);
  return {
    ...image,
    ...(size && { size }),
    labels,
    boxes: boxes.map(({ label, left, top, width, height }) => ({ label, left, top, width, height })),
  };
}

/** The size that a box attribute without boxes names. */
function emptySize(line: JsonObject): ImageSize | undefined {
  for (const value of Object.values(line)) {
    if (!isObject(value) || !Array.isArray(value.image_size)) continue;
    const [size] = value.image_size as ImageSize[];
    return size && { width: size.width, height: size.height };
  }
  return undefined;
}
