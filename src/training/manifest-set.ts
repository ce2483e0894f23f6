import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { annotateLine, isError } from '../manifest/annotate.ts';
import { type Finding, ManifestError } from '../manifest/codes.ts';
import { asFileError } from '../manifest/file-error.ts';
import { parseLine } from '../manifest/line.ts';
import type { LineState, ParsedLine, Problem } from '../manifest/parsed.ts';
import { MANIFEST_LIMITS, readLines } from '../manifest/reader.ts';
import type { ObjectStore } from '../objects/objects.ts';
import type { ImageSize } from '../vision/image.ts';
import type { ManifestPlace } from './outcome.ts';

/** What is kept in memory of one manifest line; its text stays on disk. */
export interface SetLine {
  /** Line number in the manifest, from 1. */
  number: number;
  state: LineState;
  hasErrors: boolean;
  image?: { bucket: string; key: string };
  /** Distinct image-level labels. */
  labels: string[];
  /** Distinct labels of boxes. */
  boxLabels: string[];
  /** A person looked for objects in the image and found none. Such a line is ignored, unless it has a label. */
  withoutObjects?: true;
  /** The labels of boxes are those of the whole image. */
  wholeImage?: true;
  /** Of the upright image, set when it was opened. */
  size?: ImageSize;
  /** Set when the image was opened and refused. */
  imageProblem?: Problem;
}

/** The training or the test set. */
export interface ManifestSet {
  /** Local copy of the manifest, so that a change in the bucket during the job changes nothing. */
  file: string;
  lines: SetLine[];
  /** Terminal content errors of this set. */
  errors: Finding[];
}

/**
 * Copies a manifest to `file` and checks its lines, without opening images. Throws {@link ManifestError} for
 * terminal file errors, and {@link ObjectError} `io` when the store fails.
 */
export async function readManifest(
  objects: ObjectStore,
  manifest: ManifestPlace,
  file: string,
): Promise<ManifestSet> {
  try {
    const bytes = await openManifest(objects, manifest);
    const collect = new LineCollector();
    for await (const { number, text } of readLines(copyTo(file, bytes))) {
      collect.add(number, parseLine(text));
    }
    return { file, lines: collect.lines, errors: [] };
  } catch (cause) {
    throw asFileError(cause);
  }
}

async function openManifest(
  objects: ObjectStore,
  manifest: ManifestPlace,
): Promise<AsyncIterable<Uint8Array>> {
  const isLocal = 'file' in manifest;
  const { size } = isLocal ? await stat(manifest.file) : await objects.head(manifest);
  if (size > MANIFEST_LIMITS.bytes) throw new ManifestError('ERROR_MANIFEST_SIZE_TOO_LARGE');
  return isLocal ? createReadStream(manifest.file) : await objects.stream(manifest);
}

async function* copyTo(file: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await using handle = await open(file, 'w');
  for await (const piece of bytes) {
    await handle.writeFile(piece);
    yield piece;
  }
}

/** Keeps the little that the job needs of each line, every label string once. */
class LineCollector {
  readonly lines: SetLine[] = [];
  readonly #images = new Set<string>();
  readonly #names = new Map<string, string>();

  add(number: number, { state, image, labels, boxes, problems, withoutObjects }: ParsedLine): void {
    const line: SetLine = {
      number,
      state,
      hasErrors: problems.some(isError),
      labels: labels.map((label) => this.#intern(label)),
      boxLabels: [...new Set(boxes.map((box) => this.#intern(box.label)))],
    };
    if (image) line.image = { bucket: this.#intern(image.bucket), key: image.key };
    if (withoutObjects) line.withoutObjects = true;
    if (line.state === 'valid' && this.#isRepeated(image!)) line.state = 'ignored';
    this.lines.push(line);
  }

  /** What to do with repeated images isn't documented for trainings: the first line counts. */
  #isRepeated({ bucket, key }: { bucket: string; key: string }): boolean {
    const before = this.#images.size;
    this.#images.add(`${bucket}/${key}`);
    return this.#images.size === before;
  }

  #intern(name: string): string {
    const known = this.#names.get(name);
    if (known === undefined) this.#names.set(name, name);
    return known ?? name;
  }
}

const CHUNK = 64 * 1024;

/** The validation manifest of a set: its lines in order, each with what is wrong with it. UTF-8. */
export async function* validationManifest(set: ManifestSet): AsyncGenerator<Buffer> {
  let next = 0;
  let chunk = '';
  if (set.lines.length === 0) return;
  for await (const { number, text } of readLines(createReadStream(set.file))) {
    const line = set.lines[next];
    if (line?.number !== number) continue;
    next++;
    const { problems } = parseLine(text);
    chunk += `${annotateLine(text, line.imageProblem ? [...problems, line.imageProblem] : problems)}\n`;
    if (chunk.length >= CHUNK) {
      yield Buffer.from(chunk);
      chunk = '';
    }
  }
  yield Buffer.from(chunk);
}
