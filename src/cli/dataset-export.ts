import { createReadStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import {
  type AnnotatedImage,
  type Annotations,
  ConvertError,
  labelsOf,
} from '../manifest/convert/annotations.ts';
import { toCoco } from '../manifest/convert/coco.ts';
import { toCsv } from '../manifest/convert/csv.ts';
import { fromLine } from '../manifest/convert/lines.ts';
import { toVoc } from '../manifest/convert/voc.ts';
import { toYolo } from '../manifest/convert/yolo.ts';
import { readLines } from '../manifest/reader.ts';
import { ObjectError, type ObjectRef, type ObjectStore, objectUrl } from '../objects/objects.ts';
import { readImage } from '../training/images.ts';
import { inParallel } from '../training/parallel.ts';
import { ImageError, inspectImage } from '../vision/image.ts';
import { type Place, parsePlace, withBuckets } from './buckets.ts';
import { CliError, defineCommand } from './command.ts';
import { connectBuckets } from './connection.ts';
import { type Format, parseFormat } from './dataset-source.ts';
import { fileNames } from './file-names.ts';
import { count } from './table.ts';

const help = `Usage: ocellus dataset export MANIFEST --format FORMAT --to FOLDER [--no-images]

Writes the images of a manifest (a file, or s3://BUCKET/KEY) and their annotations into a new folder:
  folder   LABEL/…; every image must have one image-level label
  coco     annotations.json, images/…
  yolo     data.yaml, images/…, labels/…
  voc      Annotations/…, JPEGImages/…
  csv      annotations.csv, images/…; the one format that holds boxes and image-level labels
Invalid lines are left out ("ocellus dataset check MANIFEST" says what is wrong with them).

Options:
  --format FORMAT   folder, coco, yolo, voc or csv
  --to FOLDER       must not be there yet, or be empty
  --no-images       write the annotations only

Example: ocellus dataset export s3://photos/all.manifest --format csv --to photos-csv`;

const options = {
  format: { type: 'string' },
  to: { type: 'string' },
  'no-images': { type: 'boolean' },
} as const;

export const exportDataset = defineCommand(
  { help, options, operands: { minimum: 1, maximum: 1 } },
  async ([manifest = ''], { format: name, to, 'no-images': bare = false }): Promise<undefined> => {
    if (!name) throw new CliError('Say what to write: --format folder|coco|yolo|voc|csv', 2);
    if (!to) throw new CliError('Say where: --to FOLDER', 2);
    const format = parseFormat(name);
    if (bare && format === 'folder') throw new CliError('The format "folder" is nothing without images.', 2);
    await refuseFull(to);
    const place = parsePlace(manifest);
    const work = async (objects?: ObjectStore) => {
      const { images, invalid } = await readManifest(place, objects);
      if (images.length === 0) throw new CliError(`${manifest} has no line that could be exported.`);
      const { whole, missing } = bare ? { whole: images, missing: [] } : await openAll(images, objects!);
      const files = layOut(format, whole);
      for (const [path, text] of files.texts) await write(join(to, path), text);
      if (!bare) await copyImages(whole, files.images, to, objects!);
      if (invalid > 0)
        console.log(`${count(invalid, 'invalid line')} left out: ocellus dataset check ${manifest}`);
      for (const message of missing.slice(0, 10)) console.log(`Left out: ${message}`);
      if (missing.length > 10) console.log(`… and ${missing.length - 10} more`);
      console.log(`Written: ${to}, ${count(whole.length, 'image')} as ${format}`);
    };
    if (bare && 'file' in place) await work();
    else await withBuckets(await connectBuckets(process.env), work);
  },
);

/** An image with the place it is at, and its name in the folder. */
type Placed = AnnotatedImage & { ref: ObjectRef };

async function refuseFull(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CliError(`${folder} can't be written to: ${error.message}`);
  });
  if (found.length > 0) throw new CliError(`${folder} is not empty: choose a new folder.`);
}

async function readManifest(
  place: Place,
  objects?: ObjectStore,
): Promise<{ images: Placed[]; invalid: number }> {
  const bytes = 'file' in place ? createReadStream(place.file) : await objects!.stream(place);
  const found: Omit<Placed, 'path'>[] = [];
  let invalid = 0;
  try {
    for await (const { text } of readLines(bytes)) {
      const line = fromLine(text);
      if (!line) invalid++;
      else found.push({ ...line, ref: { bucket: line.bucket, key: line.key } });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CliError(`There is no file ${(place as { file: string }).file}.`);
  }
  const names = fileNames(found.map(({ ref }) => ref.key));
  return { images: found.map((image, index) => ({ ...image, path: names[index]! })), invalid };
}

/** The images that can be read, each with its size, and what is wrong with the others. */
async function openAll(
  images: Placed[],
  objects: ObjectStore,
): Promise<{ whole: Placed[]; missing: string[] }> {
  const opened = new Map<Placed, Placed>();
  const missing: string[] = [];
  await inParallel(images, objects.parallelReads, async (image) => {
    try {
      const size = image.size ?? (await inspectImage(await readImage(objects, image.ref)));
      await objects.head(image.ref);
      opened.set(image, { ...image, size });
    } catch (error) {
      if (!(error instanceof ObjectError || error instanceof ImageError)) throw error;
      missing.push(`${objectUrl(image.ref)}: ${error.message}`);
    }
  });
  return { whole: images.flatMap((image) => opened.get(image) ?? []), missing };
}

/** Paths of the files in the new folder: text files with their content, and of each image. */
interface Layout {
  texts: [string, string][];
  images: string[];
}

function layOut(format: Format, images: Placed[]): Layout {
  const set: Annotations = { kind: 'boxes', images, classes: labelsOf(images), notes: [] };
  const inFolder = (folder: string) => images.map(({ path }) => `${folder}/${path}`);
  switch (format) {
    case 'folder':
      return { texts: [], images: fileNames(images.map(labelPath)) };
    case 'coco':
      return { texts: [['annotations.json', toCoco(set)]], images: inFolder('images') };
    case 'csv':
      return { texts: [['annotations.csv', toCsv(set)]], images: inFolder('images') };
    case 'voc': {
      const texts = toVoc(set).map((text, index) => besideImage('Annotations', images[index]!, '.xml', text));
      return { texts, images: inFolder('JPEGImages') };
    }
    case 'yolo': {
      const { dataYaml, labelFiles } = toYolo(set);
      const texts = labelFiles.map((text, index) => besideImage('labels', images[index]!, '.txt', text));
      return { texts: [['data.yaml', dataYaml], ...texts], images: inFolder('images') };
    }
  }
}

function besideImage(folder: string, { path }: Placed, extension: string, text: string): [string, string] {
  return [`${folder}/${path.slice(0, path.length - extname(path).length)}${extension}`, text];
}

function labelPath({ labels, boxes, path, ref }: Placed): string {
  if (labels.length !== 1 || boxes.length > 0) {
    throw new ConvertError(
      `${objectUrl(ref)} has ${count(labels.length, 'image-level label')} and ${boxes.length} boxes, and in the format ` +
        '"folder" an image has exactly one label. Use csv.',
    );
  }
  const [label = ''] = labels;
  if (/^\.|[/\\\0]/.test(label))
    throw new ConvertError(`The label "${label}" can't be the name of a folder. Use csv.`);
  return `${label}/${path.split('/').at(-1)}`;
}

async function copyImages(
  images: Placed[],
  paths: string[],
  to: string,
  objects: ObjectStore,
): Promise<void> {
  await inParallel(images.keys(), objects.parallelReads, async (index) => {
    await write(join(to, paths[index]!), await readImage(objects, images[index]!.ref));
  });
}

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
