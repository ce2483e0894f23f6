import { CsvError, parse } from 'csv-parse/sync';
import {
  type AnnotatedImage,
  type Annotations,
  boxFromEdges,
  ConvertError,
  labelsOf,
} from './annotations.ts';

/** Names that a column may have, in any case. */
const COLUMNS = {
  image: ['image', 'filename', 'file_name', 'file', 'path', 'image_path'],
  label: ['label', 'class', 'class_name', 'category', 'name'],
  left: ['left', 'xmin', 'x_min', 'x1'],
  top: ['top', 'ymin', 'y_min', 'y1'],
  right: ['right', 'xmax', 'x_max', 'x2'],
  bottom: ['bottom', 'ymax', 'y_max', 'y2'],
} as const;
/** Of the box where there are left and top, of the image where there are four edges. */
const SIZES = ['width', 'height'] as const;

type Column = keyof typeof COLUMNS | (typeof SIZES)[number];

/** A row by the columns that are there, and the number of its line. */
interface Row {
  line: number;
  get(column: Column): string;
}

/**
 * A table with a header line, in one of three forms:
 *
 *     image,label                            a label of the image as a whole
 *     image,label,left,top,width,height      a box
 *     image,label,xmin,ymin,xmax,ymax        a box by its edges
 *
 * An image with several labels or boxes has several rows; one without a label has none. Other columns don't count.
 * Throws {@link ConvertError} with the line's number.
 */
export function fromCsv(text: string): Annotations {
  const { has, rows } = readTable(text);
  for (const column of ['image', 'label'] as const) {
    if (!has(column)) {
      throw new ConvertError(
        `The first line names no column "${column}" (or ${COLUMNS[column].join(', ')}).`,
      );
    }
  }
  const edges = has('right') && has('bottom');
  const boxes = has('left') && has('top') && (edges || (has('width') && has('height')));
  const images = new Map<string, AnnotatedImage>();
  for (const row of rows) {
    const path = row.get('image');
    const label = row.get('label');
    if (path === '') throw new ConvertError(`Line ${row.line} names no image.`);
    const image = images.get(path) ?? { path, labels: [], boxes: [] };
    images.set(path, image);
    if (label === '') continue;
    if (boxes && row.get('left') !== '') image.boxes.push(readBox(row, label, edges));
    else if (!image.labels.includes(label)) image.labels.push(label);
  }
  const list = [...images.values()];
  return { kind: boxes ? 'boxes' : 'labels', images: list, classes: labelsOf(list), notes: [] };
}

/** `image,label,left,top,width,height`; the last four are empty for a label of a whole image, absent if all are. */
export function toCsv({ images }: Annotations): string {
  const boxes = images.some((image) => image.boxes.length > 0);
  const header = ['image', 'label', ...(boxes ? ['left', 'top', 'width', 'height'] : [])];
  const empty = boxes ? ['', '', '', ''] : [];
  const rows = images.flatMap((image) => {
    const labels = image.labels.map((label) => [image.path, label, ...empty]);
    const located = image.boxes.map((box) => [
      image.path,
      box.label,
      box.left,
      box.top,
      box.width,
      box.height,
    ]);
    return labels.length + located.length > 0 ? [...labels, ...located] : [[image.path, '', ...empty]];
  });
  return [header, ...rows].map((row) => `${row.map(quote).join(',')}\n`).join('');
}

function readTable(text: string): { has(column: Column): boolean; rows: Row[] } {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    // Typed without `info`: https://csv.js.org/parse/options/info/
    const options = { bom: true, skip_empty_lines: true, trim: true, info: true };
    records = parse(text, options) as unknown as typeof records;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new ConvertError(`The file is not a CSV table: ${cause.message}`, { cause });
  }
  const [header, ...rest] = records;
  if (!header) throw new ConvertError('The file is empty.');
  const names = header.record.map((name) => name.toLowerCase());
  const position = (column: Column) => {
    const known: readonly string[] = Object.hasOwn(COLUMNS, column)
      ? COLUMNS[column as keyof typeof COLUMNS]
      : [column];
    return names.findIndex((name) => known.includes(name));
  };
  return {
    has: (column) => position(column) >= 0,
    rows: rest.map(({ record, info }) => ({
      line: info.lines,
      get: (column) => record[position(column)] ?? '',
    })),
  };
}

function readBox(row: Row, label: string, edges: boolean) {
  const number = (column: Column) => {
    const text = row.get(column);
    const value = Number(text);
    if (text === '' || !Number.isFinite(value)) {
      throw new ConvertError(`Line ${row.line}: ${column} is "${text}" and not a number.`);
    }
    return value;
  };
  const left = number('left');
  const top = number('top');
  const right = edges ? number('right') : left + number('width');
  const bottom = edges ? number('bottom') : top + number('height');
  return boxFromEdges(label, { left, top, right, bottom }, undefined);
}

function quote(value: string | number): string {
  const text = String(value);
  return /^\s|\s$|[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
