import { type AttributeResult, lost, lostMetadata } from './attribute.ts';
import { checkBoxes } from './boxes.ts';
import type { LineErrorCode, LineWarningCode } from './codes.ts';
import { checkImageLevel, checkMultiLabel } from './image-level.ts';
import { isObject, type JsonObject, type ParsedLine, type Place, type Problem } from './parsed.ts';

const METADATA = '-metadata';

/** Any sane line is nested less than ten deep; JSON.stringify gives up at a few thousand. */
const MAXIMUM_DEPTH = 100;

const AT_LINE: Place = { at: 'line' };

/** These stop the checks of a line: what comes later isn't reported until they are repaired. */
const PRECEDENCE: ReadonlySet<Problem['code']> = new Set([
  'ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT',
  'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT',
  'ERROR_MISSING_BOUNDING_BOX_CONFIDENCE',
  'ERROR_MISSING_CLASS_MAP_ID',
]);

const FINDINGS = new Set(['errors', 'warnings', 'cl-errors', 'cl-warnings', 'cl-metadata']);

/**
 * True for a key that an earlier check wrote into the line. A label may have the same name ("errors", "cl"): then
 * attribute and metadata stand side by side.
 */
export function isFinding(object: JsonObject, key: string): boolean {
  if (!FINDINGS.has(key)) return false;
  const partner = key.endsWith(METADATA) ? key.slice(0, -METADATA.length) : key + METADATA;
  return !Object.hasOwn(object, partner);
}

/** The line's JSON object, or undefined when it isn't one (or was too long to be read). */
export function parseObject(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const deep = text.length > 2 * MAXIMUM_DEPTH && deeperThan(MAXIMUM_DEPTH, value);
    return isObject(value) && !deep ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks one line of a manifest as far as that is possible without opening the image. Never throws:
 * everything wrong is in `problems`. Lists of errors and warnings from an earlier check are no attributes, so
 * a validation manifest can be read again.
 */
export function parseLine(text: string | undefined): ParsedLine {
  return checkObject(parseObject(text));
}

/** {@link parseLine} for who has the line's object already; undefined for a line that has none. */
export function checkObject(object: JsonObject | undefined): ParsedLine {
  if (object === undefined) return lostLine('ERROR_INVALID_JSON_LINE');
  if (!Object.hasOwn(object, 'source-ref')) return lostLine('ERROR_MISSING_SOURCE_REF');
  const image = parseSourceRef(object['source-ref']);
  if (image === undefined) return lostLine('ERROR_INVALID_SOURCE_REF_FORMAT');
  const { pairs, others } = attributeNames(object);
  if (pairs.length > 0) return { image, ...checkAttributes(object, pairs) };
  if (others.length > 0) return { ...lostLine('ERROR_NO_LABEL_ATTRIBUTES'), image };
  return ignored(image, 'WARNING_UNANNOTATED_RECORD');
}

/** `s3://bucket/key` in its two parts, or undefined when it has another form. */
export function parseSourceRef(value: unknown): { bucket: string; key: string } | undefined {
  const match = typeof value === 'string' && /^s3:\/\/([0-9A-Za-z.\-_]{3,255})\/(.{1,1024})$/s.exec(value);
  return match ? { bucket: match[1]!, key: match[2]! } : undefined;
}

/** The label attributes that have metadata, and every other key but `source-ref` and earlier findings. */
function attributeNames(line: JsonObject): { pairs: string[]; others: string[] } {
  const keys = Object.keys(line).filter((key) => key !== 'source-ref' && !isFinding(line, key));
  const isPair = (key: string) => !key.endsWith(METADATA) && Object.hasOwn(line, key + METADATA);
  return { pairs: keys.filter(isPair), others: keys.filter((key) => !isPair(key)) };
}

function checkAttributes(object: JsonObject, names: string[]): Omit<ParsedLine, 'image'> {
  const results = names.map((name) => checkAttribute(object, name));
  const labels = [...new Set(results.flatMap((result) => result.labels))];
  const boxes = results.flatMap((result) => result.boxes);
  const problems = results.flatMap((result) => result.problems);
  const lineLost = results.some((result) => result.effect === 'line lost');
  const usable = !lineLost && labels.length + boxes.length > 0;
  const negative = isWithoutObjects(results) && { withoutObjects: true as const };
  if (usable) return { state: 'valid', labels, boxes, problems: reported(problems), ...negative };

  if (!lineLost && results.every((result) => result.effect === 'empty')) {
    problems.push({ code: 'WARNING_NO_ANNOTATIONS', place: AT_LINE });
    return { state: 'ignored', labels: [], boxes: [], problems, ...negative };
  }
  const summary = results.some((result) => result.effect === 'boxes lost')
    ? 'ERROR_NO_VALID_ANNOTATIONS'
    : 'ERROR_NO_VALID_LABEL_ATTRIBUTES';
  if (!lineLost) problems.push({ code: summary, place: AT_LINE });
  return { state: 'invalid', labels: [], boxes: [], problems: reported(problems) };
}

/** Nothing may be lost: it could have been boxes. */
function isWithoutObjects(results: AttributeResult[]): boolean {
  const whole = results.every(({ effect, boxes }) => /^(usable|empty)$/.test(effect) && boxes.length === 0);
  return whole && results.some((result) => result.withoutObjects);
}

/** Checks the attribute `name` of a line, which has a `name-metadata` beside it. */
function checkAttribute(line: JsonObject, name: string): AttributeResult {
  const value = line[name];
  const metadata = line[name + METADATA];
  if (!isObject(metadata)) return lostMetadata({ at: 'line' });
  const place: Place = { at: 'metadata', attribute: name };
  const { type } = metadata;
  if (typeof type !== 'string') return lostMetadata(place);
  switch (type) {
    case 'groundtruth/image-classification':
      return checkImageLevel(name, value, metadata);
    case 'groundtruth/image-classification-multilabel':
      // The service's own converter keeps this type on lines of the one-label form.
      return Array.isArray(value)
        ? checkMultiLabel(name, value, metadata)
        : checkImageLevel(name, value, metadata);
    case 'groundtruth/object-detection':
      return checkBoxes(name, value, metadata);
    default:
      return lost({ code: 'ERROR_UNSUPPORTED_USE_CASE_TYPE', place, name: name + METADATA });
  }
}

function reported(problems: Problem[]): Problem[] {
  const first = problems.filter((problem) => PRECEDENCE.has(problem.code));
  return first.length > 0 ? first : problems;
}

function lostLine(code: LineErrorCode): ParsedLine {
  return { state: 'invalid', labels: [], boxes: [], problems: [{ code, place: AT_LINE }] };
}

function ignored(image: ParsedLine['image'], code: LineWarningCode): ParsedLine {
  return { state: 'ignored', image, labels: [], boxes: [], problems: [{ code, place: AT_LINE }] };
}

function deeperThan(limit: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return limit === 0 || Object.values(value).some((inner) => deeperThan(limit - 1, inner));
}
