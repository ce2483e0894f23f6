import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import {
  type AnnotatedImage,
  type Annotations,
  ConvertError,
  labelsOf,
} from '../manifest/convert/annotations.ts';
import { fromCoco } from '../manifest/convert/coco.ts';
import { fromCsv } from '../manifest/convert/csv.ts';
import { fromVoc } from '../manifest/convert/voc.ts';
import { fromYolo, readClassesTxt, readDataYaml } from '../manifest/convert/yolo.ts';
import { ImageError, inspectImage } from '../vision/image.ts';
import { CliError } from './command.ts';

export const FORMATS = ['folder', 'coco', 'yolo', 'voc', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** A data set on the disk. */
export interface Source extends Annotations {
  format: Format;
  /** The folder that the images' paths start from. */
  root: string;
}

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png']);
const NAME_FILES = ['data.yaml', 'data.yml', 'classes.txt'];

/** Throws {@link CliError} for another word. */
export function parseFormat(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (!format) throw new CliError(`There is no format "${text}": use one of ${FORMATS.join(', ')}.`, 2);
  return format;
}

/**
 * Reads a data set. Images aren't opened but for YOLO's boxes, which are shares of their size.
 *
 * @param source a file or folder, see the help of `ocellus dataset import`
 * @param images the folder of the images, where it can't be told
 */
export async function readSource(source: string, format?: Format, images?: string): Promise<Source> {
  if (!existsSync(source)) throw new CliError(`There is no file or folder ${source}.`);
  const isFolder = (await stat(source)).isDirectory();
  const known = format ?? (isFolder ? await recognizeFolder(source) : recognizeFile(source));
  return { format: known, ...(await READERS[known](source, isFolder, images)) };
}

type Reader = (source: string, isFolder: boolean, images?: string) => Promise<Omit<Source, 'format'>>;

const READERS: Record<Format, Reader> = {
  async folder(source, isFolder) {
    if (!isFolder)
      throw new CliError(`${source} is a file. The format "folder" wants one sub-folder per label.`);
    const { files, notes } = await listImages(source);
    const images = files.flatMap((path): AnnotatedImage[] => {
      const [label = '', ...rest] = path.split('/');
      return rest.length > 0 ? [{ path, labels: [label], boxes: [] }] : [];
    });
    const outside = files.length - images.length;
    if (outside > 0)
      notes.push(`${outside} images that are in no sub-folder were left out: they have no label.`);
    return { root: source, kind: 'labels', images, classes: labelsOf(images).sort(), notes };
  },

  async coco(source, isFolder, images) {
    const file = isFolder ? await onlyFile(source, '.json') : source;
    const set = inFile(file, fromCoco, await readFile(file, 'utf8'));
    return withRoot(set, file, images);
  },

  async csv(source, isFolder, images) {
    const file = isFolder ? await onlyFile(source, '.csv') : source;
    const set = inFile(file, fromCsv, await readFile(file, 'utf8'));
    return withRoot(set, file, images);
  },

  async voc(source, isFolder, images) {
    if (!isFolder)
      throw new CliError(`${source} is a file. The format "voc" wants the folder of the .xml files.`);
    const annotations = join(source, 'Annotations');
    const folder = existsSync(annotations) ? annotations : source;
    const list: AnnotatedImage[] = [];
    for (const path of await listFiles(folder)) {
      if (extname(path).toLowerCase() !== '.xml') continue;
      const file = join(folder, path);
      list.push(inFile(file, fromVoc, await readFile(file, 'utf8')));
    }
    const set: Annotations = { kind: 'boxes', images: list, classes: labelsOf(list).sort(), notes: [] };
    return withRoot(set, join(source, 'x'), images);
  },

  yolo: readYolo,
};

async function readYolo(source: string, isFolder: boolean, images?: string): Promise<Omit<Source, 'format'>> {
  const folder = isFolder ? source : dirname(source);
  const namesFile = isFolder ? findNames(folder) : source;
  if (!namesFile) throw new CliError(`${folder} has no class names: put data.yaml or classes.txt there.`);
  const readNames = namesFile.endsWith('.txt') ? readClassesTxt : readDataYaml;
  const classes = inFile(namesFile, readNames, await readFile(namesFile, 'utf8'));
  const root = images ?? (existsSync(join(folder, 'images')) ? join(folder, 'images') : folder);
  const { files, notes } = await listImages(root);
  const list: AnnotatedImage[] = [];
  let unlabelled = 0;
  for (const path of files) {
    const labelFile = findLabels(resolve(root, path));
    if (!labelFile) unlabelled++;
    const image = { path, labels: [], boxes: [] };
    try {
      const size = await inspectImage(await readFile(join(root, path)));
      const boxes = labelFile
        ? inFile(labelFile, (text) => fromYolo(text, classes, size), await readFile(labelFile, 'utf8'))
        : [];
      list.push({ ...image, size, boxes });
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      list.push(image); // the import says why it leaves it out
    }
  }
  if (files.length > 0 && unlabelled === files.length) {
    throw new CliError(
      `None of the images in ${root} has a label file: images/x.jpg wants labels/x.txt, or x.txt beside it.`,
    );
  }
  if (unlabelled > 0) notes.push(`${unlabelled} images have no label file: taken as images without objects.`);
  return { root, kind: 'boxes', images: list, classes, notes };
}

/** In the folder, else in one of the two above it, where a part of a data set has its folder. */
function findNames(folder: string): string | undefined {
  const above = resolve(folder);
  return [above, dirname(above), dirname(dirname(above))]
    .flatMap((place) => NAME_FILES.map((name) => join(place, name)))
    .find((file) => existsSync(file));
}

/** `…/labels/….txt` for `…/images/….jpg`, by the last `images` of the path; else beside the image. */
function findLabels(image: string): string | undefined {
  const text = `${image.slice(0, -extname(image).length)}.txt`;
  const parts = text.split(sep);
  const last = parts.lastIndexOf('images');
  const swapped = parts.with(last < 0 ? 0 : last, last < 0 ? parts[0]! : 'labels').join(sep);
  return [swapped, text].find((file) => existsSync(file));
}

function recognizeFile(file: string): Format {
  if (NAME_FILES.includes(basename(file))) return 'yolo';
  const extension = extname(file).toLowerCase();
  if (extension === '.json') return 'coco';
  if (extension === '.csv') return 'csv';
  throw new CliError(`What ${file} is can't be told by its name: add --format ${FORMATS.join('|')}.`);
}

async function recognizeFolder(folder: string): Promise<Format> {
  const names = await readdir(folder);
  const has = (extension: string) => names.some((name) => extname(name).toLowerCase() === extension);
  if (
    names.some((name) => NAME_FILES.includes(name)) ||
    (names.includes('labels') && names.includes('images'))
  ) {
    return 'yolo';
  }
  if (resolve(folder).split(sep).includes('images') && findNames(folder)) return 'yolo';
  if (names.includes('Annotations') || has('.xml')) return 'voc';
  if (has('.json')) return 'coco';
  if (has('.csv')) return 'csv';
  return 'folder';
}

async function onlyFile(folder: string, extension: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => extname(name).toLowerCase() === extension);
  if (files.length === 1) return join(folder, files[0]!);
  const found = files.length === 0 ? 'no' : `${files.length}`;
  throw new CliError(`${folder} has ${found} ${extension} files: name the one that has the annotations.`);
}

/** Finds the folder of the images beside the file of annotations, and makes their paths relative to it. */
function withRoot(set: Annotations, file: string, given: string | undefined): Omit<Source, 'format'> {
  const beside = dirname(file);
  const usual = ['images', 'JPEGImages', '.', '../images'].map((name) => join(beside, name));
  const first = set.images[0]?.path ?? '';
  const root = given ?? usual.find((folder) => existsSync(resolve(folder, first))) ?? beside;
  return { ...set, root, images: set.images.map((image) => ({ ...image, path: inside(root, image.path) })) };
}

/** A path below `root`; annotations of strangers don't get at other files. Throws {@link ConvertError}. */
function inside(root: string, path: string): string {
  const below = relative(resolve(root), resolve(root, path.replaceAll('\\', '/')));
  if (below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below)) {
    throw new ConvertError(`The image ${path} is not in ${root}: --images FOLDER says where the images are.`);
  }
  return below.split(sep).join('/');
}

async function listImages(root: string): Promise<{ files: string[]; notes: string[] }> {
  const all = await listFiles(root);
  const isImage = (path: string) => EXTENSIONS.has(extname(path).toLowerCase());
  const others = all.filter((path) => !isImage(path)).map((path) => extname(path) || basename(path));
  const kinds = [...new Set(others)].sort().slice(0, 5).join(', ');
  const notes =
    others.length > 0 ? [`${others.length} files are no JPEG or PNG by their names (${kinds}).`] : [];
  return { files: all.filter(isImage), notes };
}

/** Every file below a folder but hidden ones, sorted, parts joined by `/`. */
async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .sort();
}

/** Names the file in what is wrong with it. */
function inFile<T>(file: string, convert: (text: string) => T, text: string): T {
  try {
    return convert(text);
  } catch (error) {
    if (!(error instanceof ConvertError)) throw error;
    throw new ConvertError(`${file}: ${error.message}`, { cause: error });
  }
}
