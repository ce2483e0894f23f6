import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isError } from '../manifest/annotate.ts';
import type { AnnotatedImage } from '../manifest/convert/annotations.ts';
import { toLine } from '../manifest/convert/lines.ts';
import { parseLine } from '../manifest/line.ts';
import { type ObjectRef, type ObjectStore, objectUrl } from '../objects/objects.ts';
import { MAXIMUM_IMAGE_BYTES } from '../training/images.ts';
import { inParallel } from '../training/parallel.ts';
import { type ImageSize, inspectImage } from '../vision/image.ts';
import { ensureBucket, type Place, parsePlace, parseS3Url, withBuckets } from './buckets.ts';
import { CliError, defineCommand } from './command.ts';
import { connectBuckets } from './connection.ts';
import { parseFormat, readSource, type Source } from './dataset-source.ts';
import { count } from './table.ts';

const help = `Usage: ocellus dataset import SOURCE --to s3://BUCKET[/FOLDER] [--format FORMAT] [--images FOLDER]
                              [--manifest FILE|s3://BUCKET/KEY] [--no-copy]

Copies annotated images into a bucket of the server and writes their manifest, which a training takes.

SOURCE is one of these; which one is recognized, and said:
  folder   a folder with one sub-folder per label
  coco     a COCO .json file of boxes, or a folder with one in it; outlines are ignored, crowds left out
  yolo     a folder of images/ and labels/, with data.yaml or classes.txt in it or above it, or that file;
           of a data set in parts (train, val …) import each part: ocellus dataset import parts/images/train …
  voc      a folder of Pascal VOC .xml files, or one with Annotations/ and JPEGImages/
  csv      a table: image,label          or with boxes image,label,left,top,width,height
                                         or            image,label,xmin,ymin,xmax,ymax
           one row per label or box; "filename" and "class" will do for "image" and "label"

Options:
  --to s3://BUCKET[/FOLDER]   where the images go; the bucket is made if need be
  --format FORMAT             folder, coco, yolo, voc or csv
  --images FOLDER             where the images of the annotations are, if not beside them or in images/
  --manifest FILE|s3://…      where the manifest goes, instead of s3://BUCKET/FOLDER.manifest (all.manifest without
                              FOLDER)
  --no-copy                   the images are in the bucket already, under the same names

Example: ocellus dataset import photos --to s3://photos`;

const options = {
  to: { type: 'string' },
  format: { type: 'string' },
  images: { type: 'string' },
  manifest: { type: 'string' },
  'no-copy': { type: 'boolean' },
} as const;

export const importDataset = defineCommand(
  { help, options, operands: { minimum: 1, maximum: 1 } },
  async ([path = ''], values): Promise<undefined> => {
    if (!values.to) throw new CliError('Say where the images go: --to s3://BUCKET/FOLDER', 2);
    const target = targetFolder(values.to);
    const manifest: Place = values.manifest
      ? parsePlace(values.manifest)
      : { bucket: target.bucket, key: target.key ? `${target.key.slice(0, -1)}.manifest` : 'all.manifest' };
    const source = await readSource(
      path,
      values.format ? parseFormat(values.format) : undefined,
      values.images,
    );
    console.log(`${path} is read as ${source.format}: ${count(source.images.length, 'image')}.`);

    const copies = !values['no-copy'];
    const settings = copies || !('file' in manifest) ? await connectBuckets(process.env) : undefined;
    const work = async (objects?: ObjectStore) => {
      if (objects)
        for (const { bucket } of placesIn(target, manifest)) await ensureBucket(objects, settings!, bucket);
      const { lines, refused, notes } = await importImages(source, target, copies ? objects : undefined);
      for (const note of [...source.notes, ...notes, ...describeRefused(refused)]) console.log(note);
      if (lines.length === 0) throw new CliError('No image is left, so no manifest is written.');
      await writeManifest(lines, manifest, objects);
      console.log(describeLines(lines, 'file' in manifest ? manifest.file : objectUrl(manifest)));
    };
    if (copies || !('file' in manifest)) await withBuckets(settings, work);
    else await work();
  },
);

function targetFolder(url: string): ObjectRef {
  const { bucket, key } = parseS3Url(url);
  const folder = key.replace(/\/+$/, '');
  return { bucket, key: folder === '' ? '' : `${folder}/` };
}

function placesIn(target: ObjectRef, manifest: Place): ObjectRef[] {
  return 'file' in manifest ? [target] : [target, manifest];
}

interface Imported {
  lines: string[];
  /** Images that a training would not take, with the reason. */
  refused: { path: string; reason: string }[];
  notes: string[];
}

/** Opens every image, copies it if there is where to, and makes its line. */
async function importImages(source: Source, target: ObjectRef, objects?: ObjectStore): Promise<Imported> {
  const { images, root, kind, classes } = source;
  const made: { line?: string; reason?: string; resized?: boolean }[] = images.map(() => ({}));
  const date = new Date();
  await inParallel(images.keys(), objects?.parallelReads ?? 4, async (index) => {
    const image = images[index]!;
    const result = made[index]!;
    const opened = await openImage(join(root, image.path));
    if ('reason' in opened) {
      result.reason = opened.reason;
      return;
    }
    const place = { bucket: target.bucket, key: target.key + image.path };
    await objects?.write(place, opened.bytes);
    result.resized = differs(image, opened.size);
    const sized = { ...image, size: image.size ?? opened.size };
    result.line = toLine(sized, objectUrl(place), { kind, classes, date });
  });
  const resized = images.filter((_, index) => made[index]!.resized);
  return {
    lines: made.flatMap(({ line }) => line ?? []),
    refused: images.flatMap(({ path }, index) => {
      const { reason } = made[index]!;
      return reason === undefined ? [] : [{ path, reason }];
    }),
    notes:
      resized.length > 0
        ? [
            `${count(resized.length, 'image')} have another size than the annotations say, ${resized[0]!.path} for one: ` +
              'their boxes may be at the wrong places.',
          ]
        : [],
  };
}

async function openImage(path: string): Promise<{ bytes: Buffer; size: ImageSize } | { reason: string }> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAXIMUM_IMAGE_BYTES) return { reason: 'The file has more than 15 MB.' };
    return { bytes, size: await inspectImage(bytes) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { reason: code === 'ENOENT' ? 'There is no such file.' : message };
  }
}

function differs({ size, boxes }: AnnotatedImage, actual: ImageSize): boolean {
  return (
    boxes.length > 0 && size !== undefined && (size.width !== actual.width || size.height !== actual.height)
  );
}

async function writeManifest(lines: string[], place: Place, objects?: ObjectStore): Promise<void> {
  const body = Buffer.from(`${lines.join('\n')}\n`);
  if (!('file' in place)) {
    await objects!.write(place, body);
    return;
  }
  await mkdir(dirname(place.file), { recursive: true });
  await writeFile(place.file, body);
}

const SHOWN = 10;
/** More labels than that aren't listed all. */
const MANY = 25;

function describeRefused(refused: Imported['refused']): string[] {
  if (refused.length === 0) return [];
  const shown = refused.slice(0, SHOWN).map(({ path, reason }) => `  ${path}: ${reason}`);
  const more = refused.length > SHOWN ? [`  … and ${refused.length - SHOWN} more`] : [];
  return [`Left out: ${count(refused.length, 'image')}`, ...shown, ...more];
}

function describeLines(lines: string[], manifest: string): string {
  const parsed = lines.map(parseLine);
  const wrong = parsed.filter(({ problems }) => problems.some(isError)).length;
  const counts = new Map<string, number>();
  for (const { labels, boxes } of parsed) {
    for (const label of [...labels, ...boxes.map((box) => box.label)]) {
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  }
  return [
    `Written: ${manifest}, ${count(lines.length, 'line')}; ${count(counts.size, 'label')}${describeCounts(counts)}`,
    ...(wrong > 0 ? [`${count(wrong, 'line')} have errors, which the check explains.`] : []),
    '',
    `Next: ocellus dataset check ${manifest}`,
    ...(manifest.startsWith('s3://') ? [`      ocellus train PROJECT VERSION --manifest ${manifest}`] : []),
  ].join('\n');
}

/** How often labels occur: all of them by name, or of many the rarest, which is where images are missing first. */
function describeCounts(counts: ReadonlyMap<string, number>): string {
  const byName = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const rarest = byName.toSorted(([, a], [, b]) => a - b).slice(0, SHOWN);
  const [start, shown] = byName.length > MANY ? [', the rarest', rarest] : ['', byName];
  return `${start}: ${shown.map(([label, times]) => `${label} ${times}`).join(', ')}`;
}
