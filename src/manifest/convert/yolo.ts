import { parse } from 'yaml';
import type { ImageSize } from '../../vision/image.ts';
import {
  type Annotations,
  boxFromEdges,
  ConvertError,
  type LabelledBox,
  labelsOf,
  requireBoxes,
  requireSize,
} from './annotations.ts';

// The format of Ultralytics' YOLO: https://docs.ultralytics.com/datasets/detect/

/** The class names of a `data.yaml`: a list, or a map from class numbers. Throws {@link ConvertError}. */
export function readDataYaml(text: string): string[] {
  let names: unknown;
  try {
    names = (parse(text, { logLevel: 'error' }) as { names?: unknown } | null)?.names;
  } catch (cause) {
    throw new ConvertError(`It is not YAML: ${(cause as Error).message}`, { cause });
  }
  const list = Array.isArray(names) ? names : namesByNumber(names);
  if (list.length === 0) throw new ConvertError('It has no class names ("names:").');
  const odd = list.find((name) => typeof name === 'object');
  if (odd !== undefined) throw new ConvertError(`"names:" has ${JSON.stringify(odd)} for a name.`);
  return list.map(String);
}

function namesByNumber(names: unknown): unknown[] {
  if (typeof names !== 'object' || names === null) return [];
  const list: unknown[] = [];
  for (const [number, name] of Object.entries(names)) {
    if (!/^\d{1,5}$/.test(number)) throw new ConvertError(`"names:" has the class number ${number}.`);
    list[Number(number)] = name;
  }
  const missing = Array.from(list).indexOf(undefined);
  if (missing >= 0) throw new ConvertError(`"names:" has no name of class ${missing}.`);
  return list;
}

/** The class names of a `classes.txt`: one per line, class 0 first. */
export function readClassesTxt(text: string): string[] {
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === '') names.pop();
  const missing = names.indexOf('');
  if (missing >= 0)
    throw new ConvertError(`It has no name of class ${missing}: line ${missing + 1} is blank.`);
  if (names.length === 0) throw new ConvertError('It has no class names.');
  return names;
}

/**
 * The boxes of one label file: lines `class x y width height`, centre and size as shares of the image's. Of an outline
 * (`class x y x y x y …`) the box around it is taken. Throws {@link ConvertError} with the line's number.
 */
export function fromYolo(text: string, names: readonly string[], size: ImageSize): LabelledBox[] {
  return text.split('\n').flatMap((line, index) => {
    const fields = line.trim().split(/\s+/);
    return fields[0] === '' ? [] : [readLine(fields, names, size, index + 1)];
  });
}

function readLine(fields: string[], names: readonly string[], size: ImageSize, line: number): LabelledBox {
  const [number, ...values] = fields.map(Number);
  const isOutline = values.length >= 6 && values.length % 2 === 0;
  if (fields.some((field) => !Number.isFinite(Number(field))) || (values.length !== 4 && !isOutline)) {
    throw new ConvertError(`Line ${line} is not "class x y width height": ${fields.join(' ').slice(0, 80)}`);
  }
  const label = names[number!];
  if (label === undefined) {
    throw new ConvertError(
      `Line ${line} is of class ${number}, and there are names of ${names.length} classes.`,
    );
  }
  if (values.some((value) => value < 0 || value > 1.01)) {
    throw new ConvertError(
      `Line ${line} has values outside 0–1: YOLO's are shares of the image, not pixels.`,
    );
  }
  const { left, top, right, bottom } = isOutline ? around(values) : centred(values);
  return boxFromEdges(
    label,
    {
      left: left * size.width,
      top: top * size.height,
      right: right * size.width,
      bottom: bottom * size.height,
    },
    size,
  );
}

function centred([x = 0, y = 0, width = 0, height = 0]: number[]) {
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

function around(values: number[]) {
  const xs = values.filter((_, index) => index % 2 === 0);
  const ys = values.filter((_, index) => index % 2 === 1);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** `data.yaml`, and the text of the label file of each image. Throws {@link ConvertError} for labels of whole images. */
export function toYolo(annotations: Annotations): { dataYaml: string; labelFiles: string[] } {
  requireBoxes(annotations, 'yolo');
  const names = labelsOf(annotations.images).sort();
  const numbers = new Map(names.map((name, index) => [name, index]));
  const labelFiles = annotations.images.map((image) => {
    const { boxes } = image;
    if (boxes.length === 0) return '';
    const size = requireSize(image);
    return boxes.map((box) => `${numbers.get(box.label)} ${shares(box, size)}\n`).join('');
  });
  // JSON is YAML.
  const dataYaml = `path: .\ntrain: images\nval: images\nnames: ${JSON.stringify(names)}\n`;
  return { dataYaml, labelFiles };
}

function shares({ left, top, width, height }: LabelledBox, size: ImageSize): string {
  const centre = [(left + width / 2) / size.width, (top + height / 2) / size.height];
  return [...centre, width / size.width, height / size.height].map((value) => value.toFixed(6)).join(' ');
}
