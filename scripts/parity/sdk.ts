import * as sdk from '@aws-sdk/client-rekognition';

// The SDK carries the shapes it reads and writes by. A schema is a number for a simple type, a function that gives
// the schema, a pair of a schema and traits, or an array of kind, namespace, name, traits and what the kind needs:
// https://github.com/smithy-lang/smithy-typescript/tree/main/packages/types/src/schema

const SIMPLE = 0;
const LIST = 1;
const MAP = 2;
const STRUCTURE = 3;
const LIST_OF = 64;
const MAP_OF = 128;

/** Names of simple types; enums are strings, and integers can't be told from floats. */
const simple: Record<number, string> = { 0: 'string', 1: 'number', 2: 'boolean', 4: 'timestamp', 21: 'blob' };

type Schema =
  | number
  | (() => Schema)
  | [schema: Schema, traits: unknown, none?: undefined]
  | [number, string, string, unknown, ...unknown[]];

/** What the SDK knows of a shape: the type of each member by its path, `!` behind those that are required. */
export type Outline = Record<string, string>;

/** Outlines of the request and the response of an operation. */
export function outlinesOf(operation: string): { request: Outline; response: Outline } {
  const schema = (sdk as unknown as Record<string, unknown[]>)[`${operation}$`];
  if (!schema) throw new Error(`The SDK has no schema of ${operation}.`);
  const [, , , , request, response] = schema;
  return { request: outline(request as Schema), response: outline(response as Schema) };
}

function outline(schema: Schema): Outline {
  return Object.fromEntries([...visit(schema)].filter(([path]) => path !== ''));
}

type Entry = [path: string, type: string];

/** `mark` is `!` for a required member. */
function* visit(schema: Schema, path = '', mark = ''): Generator<Entry> {
  if (typeof schema === 'function') yield* visit(schema(), path, mark);
  else if (typeof schema === 'number') yield* visitSimple(schema, path, mark);
  else if (typeof schema[2] !== 'string') yield* visit(schema[0] as Schema, path, mark);
  else yield* visitComplex(schema as [number, string, string, unknown, ...unknown[]], path, mark);
}

function* visitComplex(
  [kind, , , , first, second, requiredCount = 0]: [number, string, string, unknown, ...unknown[]],
  path: string,
  mark: string,
): Generator<Entry> {
  switch (kind) {
    case SIMPLE:
      yield* visit(first as Schema, path, mark);
      break;
    case LIST:
      yield [path, `list${mark}`];
      yield* visit(first as Schema, `${path}[]`);
      break;
    case MAP:
      yield [path, `map${mark}`];
      break;
    case STRUCTURE:
      yield [path, `structure${mark}`];
      for (const [index, member] of (first as string[]).entries()) {
        const at = path === '' ? member : `${path}.${member}`;
        yield* visit((second as Schema[])[index]!, at, index < Number(requiredCount) ? '!' : '');
      }
      break;
    default:
      throw new Error(`The SDK's schema has an unknown kind ${kind} at ${path}.`);
  }
}

function* visitSimple(schema: number, path: string, mark: string): Generator<Entry> {
  if (schema >= MAP_OF) yield [path, `map${mark}`];
  else if (schema >= LIST_OF) {
    yield [path, `list${mark}`];
    yield* visitSimple(schema - LIST_OF, `${path}[]`, '');
  } else if (simple[schema]) yield [path, simple[schema] + mark];
  else throw new Error(`The SDK's schema has an unknown simple type ${schema} at ${path}.`);
}

/** Every operation that the SDK has a command for. */
export function sdkOperations(): string[] {
  return Object.keys(sdk).flatMap((name) => /^([A-Z]\w+)Command$/.exec(name)?.[1] ?? []);
}
