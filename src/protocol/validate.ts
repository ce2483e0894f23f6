import type { z } from 'zod';
import { FrameworkError } from './errors.ts';
import { formatFloat, isFloatMember } from './json.ts';

/** Failures that are spelt out, and characters of a value that are repeated: an error stays short. */
const MAXIMUM_FAILURES = 100;
const MAXIMUM_VALUE_LENGTH = 1024;

/**
 * Structures, lists, members and elements of one body. Legal bodies are large by their texts and blobs and have
 * a few hundred; a hostile one of 10 MB could have millions and would hold the server for many seconds.
 */
const MAXIMUM_NODES = 50_000;

type Issue = z.core.$ZodIssue;

/**
 * The JSON object of a request body. No bytes mean `{}`; null members are absent members.
 * Throws SerializationException.
 */
export function parseBody(body: Uint8Array): object {
  if (body.length === 0) return {};
  if (hasTooManyNodes(body)) {
    throw new FrameworkError('SerializationException', `The body has more than ${MAXIMUM_NODES} members.`);
  }
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    value = JSON.parse(text, (key, member) => {
      // As the key of a tag it would silently be lost: JavaScript's objects can't have a member of that name.
      if (key === '__proto__')
        throw new FrameworkError('SerializationException', 'The name __proto__ is reserved.');
      return member ?? undefined;
    });
  } catch (error) {
    if (error instanceof FrameworkError) throw error;
    // A SyntaxError, a TypeError of the decoder, or a RangeError when the nesting is too deep.
    throw new FrameworkError('SerializationException', `The body is no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameworkError('SerializationException', 'The body must be a JSON object.');
  }
  return value;
}

/** Counts what begins a node; those characters in texts count, too, but base64 has none of them. */
function hasTooManyNodes(bytes: Uint8Array): boolean {
  if (bytes.length <= MAXIMUM_NODES) return false;
  let count = 0;
  for (const begin of Buffer.from('{[,')) {
    for (let at = bytes.indexOf(begin); at !== -1; at = bytes.indexOf(begin, at + 1)) {
      count += 1;
      if (count > MAXIMUM_NODES) return true;
    }
  }
  return false;
}

/**
 * The input that a parsed body holds. A wrong JSON type anywhere throws SerializationException; after
 * that, everything that breaks a shape throws one ValidationException in AWS's words.
 */
export function validate<Input>(schema: z.ZodType<Input>, body: object): Input {
  const { data, error } = schema.safeParse(body, { reportInput: true });
  if (!error) return data;
  const wrongType = error.issues.find(isWrongType);
  if (wrongType) throw new FrameworkError('SerializationException', typeFailure(wrongType));
  throw new FrameworkError('ValidationException', shapeFailures(error.issues));
}

function isWrongType(issue: Issue): boolean {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input !== undefined;
    case 'invalid_value': // an enum: only a string can be a value that isn't listed
      return issue.input !== undefined && typeof issue.input !== 'string';
    case 'custom':
      return issue.params?.wrongType !== undefined;
    default:
      return false;
  }
}

function typeFailure(issue: Issue): string {
  return `${typeConflict(issue)} (at '${pathOf(issue)}')`;
}

function typeConflict(issue: Issue): string {
  const { input } = issue;
  if (Array.isArray(input)) return 'Start of list found where not expected.';
  if (typeof input === 'object') return 'Start of structure or map found where not expected.';
  const expected =
    issue.code === 'custom' ? issue.params?.wrongType : (issue as { expected?: string }).expected;
  if (expected === 'Blob') return 'The text is not base64.';
  const names: Record<string, string> = {
    array: 'List',
    boolean: 'Boolean',
    number: 'Float',
    object: 'Structure',
    record: 'Map',
  };
  const isInteger = expected === 'Integer' || issue.message === 'Integer';
  const wanted = isInteger ? 'Integer' : (names[String(expected)] ?? 'String');
  const kind = typeof input === 'boolean' ? `${input}`.toUpperCase() : `${typeof input}`.toUpperCase();
  return `${kind}_VALUE can not be converted to ${wanted}.`;
}

function shapeFailures(issues: Issue[]): string {
  const count = issues.length;
  const failures = issues.slice(0, MAXIMUM_FAILURES).map(shapeFailure);
  return `${count} validation error${count === 1 ? '' : 's'} detected: ${failures.join('; ')}`;
}

function shapeFailure(issue: Issue): string {
  const { input, path, message } = issue;
  const at = `at '${pathOf(issue)}' failed to satisfy constraint:`;
  if (input === undefined) return `Value null ${at} Member must not be null`;
  return `Value '${show(input, String(path.at(-1)))}' ${at} ${message}`;
}

/** `trainingData.assets.1.member.groundTruthManifest`: members in lower camel case, elements from 1. */
function pathOf({ path }: Issue): string {
  return path
    .map((part) => (typeof part === 'number' ? `${part + 1}.member` : lowerFirst(String(part))))
    .join('.');
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** A value as Java's toString shows it. */
function show(value: unknown, member: string): string {
  if (value instanceof Uint8Array) {
    return `java.nio.HeapByteBuffer[pos=0 lim=${value.length} cap=${value.length}]`;
  }
  if (typeof value === 'number') return isFloatMember(member) ? formatFloat(value) : String(value);
  return shorten(showPlain(value));
}

function showPlain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, MAXIMUM_VALUE_LENGTH).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).slice(0, MAXIMUM_VALUE_LENGTH);
  return `{${entries.map(([key, text]) => `${key}=${text}`).join(', ')}}`;
}

const shorten = (text: string) =>
  text.length > MAXIMUM_VALUE_LENGTH ? `${text.slice(0, MAXIMUM_VALUE_LENGTH)}…` : text;
