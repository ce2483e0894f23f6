import { api, COMMON_ERRORS, FRAMEWORK_ERRORS } from '../scripts/parity/api.ts';
import type { Members, Shape } from '../scripts/parity/shape.ts';

/** An answer as it came over the wire. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A number as it was written: `1.0` is a float, `1` an integer, and to JavaScript they are the same. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;
const keepNumbers: Reviver = (_key, value, { source }) =>
  typeof value === 'number' ? new NumberText(source) : value;

/** Everything about an answer that a client in a typed language could break on. Empty when there is nothing. */
export function readStrictly(operation: string, { status, headers, body }: Answer): string[] {
  const value: unknown = JSON.parse(body, keepNumbers as Parameters<typeof JSON.parse>[1]);
  const wrong = [...headerFaults(headers)];
  if (status === 200) wrong.push(...structureFaults(value, api[operation]?.response ?? {}, operation));
  else wrong.push(...errorFaults(operation, value as Record<string, unknown>));
  return wrong;
}

function* headerFaults(headers: Record<string, string>): Generator<string> {
  if (headers['content-type'] !== 'application/x-amz-json-1.1')
    yield `content type ${headers['content-type']}`;
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(headers['x-amzn-requestid'] ?? '')) {
    yield 'no request id';
  }
  if (Number.isNaN(Date.parse(headers.date ?? ''))) yield 'no date';
}

/** One message, in the place that goes with the code, and a code that the operation may answer with. */
function* errorFaults(operation: string, body: Record<string, unknown>): Generator<string> {
  const code = String(body.__type);
  const modelled = [...COMMON_ERRORS, ...(api[operation]?.errors ?? [])].includes(code);
  if (!modelled && !FRAMEWORK_ERRORS.includes(code)) yield `${operation} does not model ${code}`;
  const keys = Object.keys(body).sort().join();
  const expected = modelled ? ['Code,Logref,Message,__type'] : ['__type', '__type,message'];
  if (!expected.includes(keys)) yield `${code} with the members ${keys}`;
  if (modelled && body.Code !== code) yield `the Code ${body.Code} of ${code}`;
  for (const [key, value] of Object.entries(body)) {
    if (typeof value !== 'string' || value === '') yield `${key} of ${code} is no text`;
  }
}

function* faults(value: unknown, shape: Shape, path: string): Generator<string> {
  switch (shape.kind) {
    case 'structure':
      yield* structureFaults(value, shape.members, path);
      break;
    case 'list':
      if (!Array.isArray(value)) yield `${path} is no list`;
      else {
        yield* rangeFaults(value.length, shape, path);
        for (const element of value) yield* faults(element, shape.element, `${path}[]`);
      }
      break;
    case 'map':
      if (!isObject(value)) yield `${path} is no map`;
      else for (const text of Object.values(value)) yield* faults(text, shape.value, path);
      break;
    case 'string':
      if (typeof value !== 'string') yield `${path} is no text`;
      else {
        yield* rangeFaults(value.length, shape, path);
        const { pattern } = shape;
        if (pattern && !new RegExp(`^(?:${pattern})$`, 'u').test(value)) yield `${path} is ${value}`;
      }
      break;
    case 'enum':
      if (!shape.values.includes(value as string)) yield `${path} is ${value}`;
      break;
    case 'boolean':
      if (typeof value !== 'boolean') yield `${path} is no boolean`;
      break;
    case 'blob':
      yield `${path}: no answer has a blob`;
      break;
    default:
      yield* numberFaults(value, shape, path);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);

function* structureFaults(value: unknown, members: Members, path: string): Generator<string> {
  if (!isObject(value)) {
    yield `${path} is no structure`;
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const shape = members[name];
    if (!shape) yield `${path} has an unknown member ${name}`;
    else yield* faults(member, shape, `${path}.${name}`);
  }
}

function* numberFaults(value: unknown, shape: Shape, path: string): Generator<string> {
  if (!(value instanceof NumberText)) {
    yield `${path} is no number`;
    return;
  }
  const { text } = value;
  const form = {
    float: /^-?\d+(\.\d+(e[+-]?\d+)?|e[+-]?\d+)$/,
    timestamp: /^\d{10}(\.\d{1,3})?$/,
    integer: /^-?\d+$/,
    long: /^-?\d+$/,
  }[shape.kind as string];
  if (!form?.test(text)) yield `${path} is written ${text}`;
  if (shape.kind !== 'timestamp') yield* rangeFaults(Number(text), shape as object, path);
}

function* rangeFaults(
  value: number,
  { minimum = -Infinity, maximum = Infinity }: { minimum?: number; maximum?: number },
  path: string,
): Generator<string> {
  if (value < minimum || value > maximum) yield `${path} has ${value}, not ${minimum} to ${maximum}`;
}
