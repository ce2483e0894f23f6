import { parseXml, XmlElement, XmlError } from '@rgrove/parse-xml';
import {
  type AnnotatedImage,
  type Annotations,
  boxFromEdges,
  ConvertError,
  type LabelledBox,
  requireBoxes,
  requireSize,
} from './annotations.ts';

// Pascal VOC: the first pixel of a row is 1, and both corners belong to the box, so that a box of one pixel at the top
// left is 1, 1, 1, 1. http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf

/** One annotation file. `path` is what its `filename` says. Throws {@link ConvertError}. */
export function fromVoc(text: string): AnnotatedImage {
  const root = readRoot(text);
  const path = textOf(root, 'filename');
  if (!path) throw new ConvertError('It has no filename.');
  const sizeElement = child(root, 'size');
  const size = sizeElement && {
    width: numberOf(sizeElement, 'width'),
    height: numberOf(sizeElement, 'height'),
  };
  // Some tools write 0 for what they don't know.
  const known = size && size.width > 0 && size.height > 0 ? size : undefined;
  const objects = children(root, 'object');
  const boxes = objects.map((object, index) => readObject(object, index + 1, known));
  return { path, ...(known && { size: known }), labels: [], boxes };
}

function readObject(object: XmlElement, number: number, size: AnnotatedImage['size']): LabelledBox {
  const label = textOf(object, 'name');
  const box = child(object, 'bndbox');
  if (!label) throw new ConvertError(`Object ${number} has no name.`);
  if (!box) throw new ConvertError(`Object ${number} ("${label}") has no bndbox.`);
  const edges = {
    left: numberOf(box, 'xmin') - 1,
    top: numberOf(box, 'ymin') - 1,
    right: numberOf(box, 'xmax'),
    bottom: numberOf(box, 'ymax'),
  };
  return boxFromEdges(label, edges, size);
}

/** The text of the annotation file of each image. Throws {@link ConvertError} for labels of whole images. */
export function toVoc(annotations: Annotations): string[] {
  requireBoxes(annotations, 'voc');
  return annotations.images.map((image) => {
    const { width, height } = requireSize(image);
    const objects = image.boxes.map(
      ({ label, left, top, width, height }) =>
        `  <object>\n    <name>${toText(label)}</name>\n    <difficult>0</difficult>\n` +
        `    <bndbox><xmin>${left + 1}</xmin><ymin>${top + 1}</ymin>` +
        `<xmax>${left + width}</xmax><ymax>${top + height}</ymax></bndbox>\n  </object>\n`,
    );
    return (
      `<annotation>\n  <filename>${toText(image.path)}</filename>\n` +
      `  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>\n` +
      `${objects.join('')}</annotation>\n`
    );
  });
}

function readRoot(text: string): XmlElement {
  let root: XmlElement | null;
  try {
    root = parseXml(text).root;
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw new ConvertError(`It is not XML: ${cause.message.split('\n')[0]}`, { cause });
  }
  if (root?.name !== 'annotation') throw new ConvertError('Its root is not <annotation>.');
  return root;
}

function children(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((node) => node instanceof XmlElement && node.name === name) as XmlElement[];
}

function child(parent: XmlElement, name: string): XmlElement | undefined {
  return children(parent, name)[0];
}

function textOf(parent: XmlElement, name: string): string | undefined {
  return child(parent, name)?.text.trim();
}

function numberOf(parent: XmlElement, name: string): number {
  const text = textOf(parent, name);
  if (!text || !Number.isFinite(Number(text))) {
    throw new ConvertError(`<${parent.name}> has no number ${name}.`);
  }
  return Number(text);
}

/** Characters that XML can't have at all are refused, not lost. */
function toText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text) || !text.isWellFormed()) {
    throw new ConvertError(`XML can't hold the name ${JSON.stringify(text)}.`);
  }
  return text.replace(/[&<>\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
