import type { LineErrorCode, LineWarningCode } from './codes.ts';

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type LineState = 'valid' | 'invalid' | 'ignored';

/** Where in a line an error or warning belongs. */
export type Place =
  | { at: 'line' }
  | { at: 'attribute' | 'metadata'; attribute: string }
  | { at: 'annotation'; attribute: string; index: number };

/** One error or warning, and what it is about. */
export interface Problem {
  code: LineErrorCode | LineWarningCode;
  place: Place;
  /** Fills the gap in the message. */
  name?: string;
}

/** A usable bounding box in pixels of an image of `image` size, origin at the top left. */
export interface Box {
  label: string;
  left: number;
  top: number;
  width: number;
  height: number;
  image: { width: number; height: number };
}

/** What one line of a manifest says, and what is wrong with it. */
export interface ParsedLine {
  state: LineState;
  /** The place of the image, whenever `source-ref` can be read. */
  image?: { bucket: string; key: string };
  /** Distinct image-level labels, usable ones only. */
  labels: string[];
  /** Usable boxes. */
  boxes: Box[];
  /** Set when a person looked for objects and drew no box: an example of nothing, also where the line is ignored. */
  withoutObjects?: true;
  problems: Problem[];
}
