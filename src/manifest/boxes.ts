import type { AttributeResult } from './attribute.ts';
import { badFormat, hasOrigin, isTooLong, lost, parseClassMap } from './attribute.ts';
import type { Box, JsonObject, Problem } from './parsed.ts';
import { isObject } from './parsed.ts';

const MAXIMUM_BOXES = 50;
/** Side lengths that an image with boxes may have, in pixels. */
const SIDE = { minimum: 64, maximum: 4096 };
/** Boxes must still be more than one pixel wide and high when the longer side of the image is at most this. */
const SCALED_SIDE = 1280;

interface Size {
  width: number;
  height: number;
}

type Annotation = Omit<Box, 'label' | 'image'> & { class_id: number };

/** Checks a bounding-box attribute: its form, then its classes, then each box. */
export function checkBoxes(name: string, value: unknown, metadata: JsonObject): AttributeResult {
  const image = isObject(value) ? parseImageSize(value.image_size) : undefined;
  const annotations = isObject(value) ? parseAnnotations(value.annotations) : undefined;
  const classMap = parseClassMap(metadata['class-map']);
  const objects = parseObjects(metadata.objects);
  const at = { at: 'metadata', attribute: name } as const;

  const problems: Problem[] = [];
  if (image === undefined || annotations === undefined) problems.push(badFormat(name, value));
  if (!hasOrigin(metadata) || classMap === undefined || objects === undefined) {
    problems.push({ code: 'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT', place: at });
  }
  if (objects && annotations && !isConfident(objects, annotations.length)) {
    problems.push({ code: 'ERROR_MISSING_BOUNDING_BOX_CONFIDENCE', place: at });
  }
  if (classMap && annotations?.some((annotation) => !classMap.has(String(annotation.class_id)))) {
    problems.push({ code: 'ERROR_MISSING_CLASS_MAP_ID', place: at });
  }
  if (problems.length > 0) return lost(...problems);

  const boxes = annotations!.map(({ class_id, ...box }) => {
    return { ...box, label: classMap!.get(String(class_id))!, image: image! };
  });
  const result = checkFrame(name, image!, boxes);
  const isSeen = result.effect === 'empty' && metadata['human-annotated'] === 'yes';
  return isSeen ? { ...result, withoutObjects: true } : result;
}

function checkFrame(name: string, image: Size, boxes: Box[]): AttributeResult {
  const attribute = { at: 'attribute', attribute: name } as const;
  const lineProblems: Problem[] = [];
  if (
    Math.min(image.width, image.height) < SIDE.minimum ||
    Math.max(image.width, image.height) > SIDE.maximum
  ) {
    lineProblems.push({ code: 'ERROR_INVALID_IMAGE_DIMENSION', place: { at: 'line' } });
  }
  if (boxes.length > MAXIMUM_BOXES) {
    lineProblems.push({ code: 'ERROR_TOO_MANY_BOUNDING_BOXES', place: attribute });
  }
  if (lineProblems.length > 0) return { ...lost(...lineProblems), effect: 'line lost' };
  if (boxes.length === 0) {
    return {
      ...lost({ code: 'WARNING_NO_ATTRIBUTE_ANNOTATIONS', place: attribute }),
      effect: 'empty',
    };
  }
  if (boxes.some((box) => isTooLong(box.label))) {
    const place = { at: 'metadata', attribute: name } as const;
    return lost({ code: 'ERROR_INVALID_LABEL_NAME_LENGTH', place });
  }
  const problems = boxes.flatMap((box, index) => checkBox(name, box, index));
  const bad = new Set(problems.map(({ place }) => place.at === 'annotation' && place.index));
  const usable = boxes.filter((_, index) => !bad.has(index));
  return { effect: usable.length > 0 ? 'usable' : 'boxes lost', labels: [], boxes: usable, problems };
}

function checkBox(attribute: string, box: Box, index: number): Problem[] {
  const { left, top, width, height, image } = box;
  const place = { at: 'annotation', attribute, index } as const;
  const problems: Problem[] = [];
  const inFrame = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
  if (!inFrame || width < 0 || height < 0) problems.push({ code: 'ERROR_INVALID_BOUNDING_BOX', place });
  const scale = Math.min(1, SCALED_SIDE / Math.max(image.width, image.height));
  if (Math.min(width, height) * scale <= 1) problems.push({ code: 'ERROR_BOUNDING_BOX_TOO_SMALL', place });
  return problems;
}

/** `[{width, height, depth}]`, whole numbers; the depth must be there and isn't used. */
function parseImageSize(value: unknown): Size | undefined {
  if (!Array.isArray(value) || value.length !== 1 || !isObject(value[0])) return undefined;
  const { width, height, depth } = value[0];
  const whole = [width, height, depth].every((side) => Number.isInteger(side) && (side as number) > 0);
  return whole ? { width: width as number, height: height as number } : undefined;
}

function parseAnnotations(value: unknown): Annotation[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const annotations = value.map(parseAnnotation);
  return annotations.every((annotation) => annotation !== undefined) ? annotations : undefined;
}

function parseAnnotation(value: unknown): Annotation | undefined {
  if (!isObject(value) || !Number.isInteger(value.class_id)) return undefined;
  const { class_id, left, top, width, height } = value as unknown as Annotation;
  return [left, top, width, height].every(Number.isFinite)
    ? { class_id, left, top, width, height }
    : undefined;
}

function parseObjects(value: unknown): JsonObject[] | undefined {
  return Array.isArray(value) && value.every(isObject) ? value : undefined;
}

function isConfident(objects: JsonObject[], boxes: number): boolean {
  return objects.length >= boxes && objects.every(({ confidence }) => typeof confidence === 'number');
}
