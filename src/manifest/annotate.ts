import type { Finding } from './codes.ts';
import { LINE_ERRORS, LINE_WARNINGS } from './codes.ts';
import { isFinding, parseObject } from './line.ts';
import { isObject, type JsonObject, type Place, type Problem } from './parsed.ts';

const MESSAGES: Record<Problem['code'], string> = { ...LINE_ERRORS, ...LINE_WARNINGS };

export function isError(problem: Problem): boolean {
  return problem.code.startsWith('ERROR_');
}

/** Code and message of a problem as users see it. */
export function toFinding({ code, name = '' }: Problem): Finding {
  return { code, message: MESSAGES[code].replace('{}', () => name) };
}

/**
 * The line as a validation manifest shows it: with a list `errors` or `warnings` at each place that has a
 * problem, and without the lists of an earlier check. A line that needs neither is returned as it stands; one
 * that isn't a JSON object is replaced by an object with its errors.
 *
 * `problems` come from `parseLine` of the same text, so that their places exist.
 */
export function annotateLine(text: string | undefined, problems: Problem[]): string {
  const line = parseObject(text);
  if (text === undefined || line === undefined) return JSON.stringify({ errors: problems.map(toFinding) });
  if (!stripFindings(line) && problems.length === 0) return text;
  for (const problem of problems) add(line, problem, ['errors', 'cl-errors']);
  return JSON.stringify(line);
}

/**
 * The line of a data set as it is listed: with `cl-metadata`, a list `cl-errors` at each place that has an error, and
 * `warnings` as in a validation manifest.
 *
 * @param text a line without findings
 * @param problems from `parseLine` of it
 */
export function listedLine(text: string, isLabeled: boolean, problems: Problem[]): string {
  const metadata = { is_labeled: isLabeled };
  const plain = problems.length === 0 && !text.includes('"cl-metadata"');
  if (plain) return `${text.slice(0, -1)},"cl-metadata":${JSON.stringify(metadata)}}`;
  const line = JSON.parse(text) as JsonObject;
  // Only a label attribute "cl" has left such a key.
  if (!Object.hasOwn(line, 'cl-metadata')) line['cl-metadata'] = metadata;
  for (const problem of problems) add(line, problem, ['cl-errors', 'errors']);
  return JSON.stringify(line);
}

/** Removes what earlier checks wrote into the line; true when there was something. */
export function stripFindings(line: JsonObject): boolean {
  return places(line).map(strip).includes(true);
}

/** Every object of the line that may carry lists of errors: itself, its attributes, their metadata and boxes. */
function places(line: JsonObject): JsonObject[] {
  const members = Object.values(line).filter(isObject);
  const boxes = members.flatMap(({ annotations }) => (Array.isArray(annotations) ? annotations : []));
  return [line, ...members, ...boxes.filter(isObject)];
}

/** Removes what an earlier check wrote; true when there was something. */
function strip(object: JsonObject): boolean {
  const findings = Object.keys(object).filter((key) => isFinding(object, key));
  for (const key of findings) delete object[key];
  return findings.length > 0;
}

function find(line: JsonObject, place: Place): JsonObject {
  switch (place.at) {
    case 'line':
      return line;
    case 'attribute':
      return line[place.attribute] as JsonObject;
    case 'metadata':
      return line[`${place.attribute}-metadata`] as JsonObject;
    case 'annotation':
      return (line[place.attribute] as { annotations: JsonObject[] }).annotations[place.index]!;
  }
}

/** Adds a problem at its place. `errors`: names of the list of errors, the first that isn't taken. */
function add(line: JsonObject, problem: Problem, errors: string[]): void {
  const object = find(line, problem.place);
  const names = isError(problem) ? errors : ['warnings', 'cl-warnings'];
  // A label attribute of that name keeps its place.
  const key = names.find((name) => !Object.hasOwn(object, `${name}-metadata`)) ?? names[0]!;
  object[key] ??= [];
  (object[key] as Finding[]).push(toFinding(problem));
}
