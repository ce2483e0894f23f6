import type { AttributeResult } from './attribute.ts';
import { badFormat, hasOrigin, isTooLong, lost, parseClassMap } from './attribute.ts';
import type { JsonObject, Place, Problem } from './parsed.ts';

/** Checks an image-level attribute: any integer, its label in the metadata. */
export function checkImageLevel(name: string, value: unknown, metadata: JsonObject): AttributeResult {
  const place: Place = { at: 'metadata', attribute: name };
  const { confidence, 'class-name': label } = metadata;
  const problems: Problem[] = [];
  if (!Number.isInteger(value)) problems.push(badFormat(name, value));
  if (!hasOrigin(metadata) || !isConfidence(confidence) || typeof label !== 'string' || label === '') {
    problems.push({ code: 'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT', place });
  }
  return problems.length > 0 ? lost(...problems) : withLabels([label as string], place);
}

/** The output of Ground Truth's multi-label jobs: a list of class ids, their names in `class-map`. */
export function checkMultiLabel(name: string, ids: unknown[], metadata: JsonObject): AttributeResult {
  const place: Place = { at: 'metadata', attribute: name };
  const classMap = parseClassMap(metadata['class-map']);
  const problems: Problem[] = [];
  if (!ids.every(Number.isInteger)) problems.push(badFormat(name, ids));
  if (!hasOrigin(metadata) || classMap === undefined) {
    problems.push({ code: 'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT', place });
  } else if (!ids.every((id) => classMap.has(String(id)))) {
    problems.push({ code: 'ERROR_MISSING_CLASS_MAP_ID', place });
  }
  if (problems.length > 0) return lost(...problems);
  if (ids.length === 0) return { effect: 'empty', labels: [], boxes: [], problems: [] };
  return withLabels(
    ids.map((id) => classMap!.get(String(id))!),
    place,
  );
}

function withLabels(labels: string[], place: Place): AttributeResult {
  if (labels.some(isTooLong)) return lost({ code: 'ERROR_INVALID_LABEL_NAME_LENGTH', place });
  return { effect: 'usable', labels, boxes: [], problems: [] };
}

function isConfidence(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}
