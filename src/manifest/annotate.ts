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
  const stripped = places(line).map(strip).includes(true);
  if (!stripped && problems.length === 0) return text;
  for (const problem of problems) add(find(line, problem.place), problem);
  return JSON.stringify(line);
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

function add(object: JsonObject, problem: Problem): void {
  const list = isError(problem) ? 'errors' : 'warnings';
  // A label attribute of that name keeps its place.
  const key = Object.hasOwn(object, `${list}-metadata`) ? `cl-${list}` : list;
  object[key] ??= [];
  (object[key] as Finding[]).push(toFinding(problem));
}
