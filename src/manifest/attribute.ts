import type { Box, JsonObject, Place, Problem } from './parsed.ts';
import { isObject } from './parsed.ts';

/** What is left of one label attribute. */
export interface AttributeResult {
  /**
   * `usable`: has labels or boxes. `empty`: well-formed, annotates nothing. `lost`: the attribute is of no use;
   * `boxes lost`: none of its boxes is. `line lost`: neither is the whole line.
   */
  effect: 'usable' | 'empty' | 'lost' | 'boxes lost' | 'line lost';
  labels: string[];
  boxes: Box[];
  problems: Problem[];
  /** Set when a person looked for objects and drew no box. */
  withoutObjects?: true;
}

const MAXIMUM_LABEL_LENGTH = 256;

export function lost(...problems: Problem[]): AttributeResult {
  return { effect: 'lost', labels: [], boxes: [], problems };
}

export function lostMetadata(place: Place): AttributeResult {
  return lost({ code: 'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT', place });
}

/** An error list fits into the attribute only when that is an object. */
export function badFormat(name: string, value: unknown): Problem {
  const place: Place = isObject(value) ? { at: 'attribute', attribute: name } : { at: 'line' };
  return { code: 'ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT', place, name };
}

export function isTooLong(label: string): boolean {
  return label.length > MAXIMUM_LABEL_LENGTH;
}

/** True when the metadata says who annotated and when. Dates come in many forms; any that can be read will do. */
export function hasOrigin(metadata: JsonObject): boolean {
  const { 'human-annotated': human, 'creation-date': date } = metadata;
  return (human === 'yes' || human === 'no') && typeof date === 'string' && !Number.isNaN(Date.parse(date));
}

/** Class id → label, or undefined when it isn't an object of non-empty strings. */
export function parseClassMap(value: unknown): Map<string, string> | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  const named = entries.every(([, label]) => typeof label === 'string' && label !== '');
  return named ? new Map(entries as [string, string][]) : undefined;
}
