import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { S3Error } from './errors.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** What becomes an element's content: undefined is left out, a list becomes one element for each of its items. */
export type XmlValue = string | number | boolean | Date | undefined | XmlObject | XmlValue[];
export interface XmlObject {
  [name: string]: XmlValue;
}

/** A response document. Members keep their order, which some clients rely on. */
export function writeXml(root: string, content: XmlObject | string): string {
  const body = typeof content === 'string' ? toText(content) : members(content);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${body}</${root}>`;
}

/** An error has no namespace. */
export function writeErrorXml(content: XmlObject): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${members(content)}</Error>`;
}

function members(content: XmlObject): string {
  return Object.entries(content)
    .map(([name, value]) => element(name, value))
    .join('');
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('');
  if (value instanceof Date) return `<${name}>${value.toISOString()}</${name}>`;
  if (typeof value === 'object') return `<${name}>${members(value)}</${name}>`;
  return `<${name}>${toText(String(value))}</${name}>`;
}

function toText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys may have them, and XML wants them as references
  return text.replace(/[&<>"\x00-\x1f]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** An element of a request document: its text, and its children by name. */
export interface Node {
  text: string;
  all(name: string): Node[];
  /** Text of the first child of the name. */
  get(name: string): string | undefined;
}

/** Reads a request document; throws MalformedXML unless its root has the name. */
export function readXml(body: Buffer, root: string): Node {
  const malformed = () =>
    new S3Error(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  let element: XmlElement | null;
  try {
    element = parseXml(body.toString()).root;
  } catch {
    throw malformed();
  }
  if (element?.name !== root) throw malformed();
  return toNode(element);
}

function toNode(element: XmlElement): Node {
  const all = (name: string) =>
    element.children
      .filter((child) => child instanceof XmlElement && child.name === name)
      .map((child) => toNode(child as XmlElement));
  return { text: element.text, all, get: (name) => all(name)[0]?.text };
}
