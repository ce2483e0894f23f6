import type { Members, Shape, StringShape } from '../scripts/parity/shape.ts';

// What can be wrong with a request, and what AWS says of it: made from the table of the API's shapes.

type Value = unknown;

/** A body with one thing wrong in it, and the failures that the answer must list, or its whole text. */
export interface BrokenCase {
  what: string;
  body: object;
  failures: string[];
}

/** A body with a wrong JSON type in it, and the text of the answer. */
export interface MistypedCase {
  what: string;
  body: object;
  message: string;
}

const SAMPLES: [RegExp, string][] = [
  [/dataset/, 'arn:aws:rekognition:us-east-1:000000000000:project/none/dataset/train/1'],
  [/version/, 'arn:aws:rekognition:us-east-1:000000000000:project/none/version/v/1'],
  [/project/, 'arn:aws:rekognition:us-east-1:000000000000:project/none/1'],
];

/** Texts that break one pattern or another; what is left after the shortest that fits is repeated. */
const OUTSIDERS = ['#', '\n', ' ', '\u0100'];

const regex = (pattern: string) => new RegExp(`^(?:${pattern})$`, 'u');

/** A value that the shape allows. */
export function sample(shape: Shape): Value {
  switch (shape.kind) {
    case 'string':
      return sampleText(shape);
    case 'enum':
      return shape.values[0];
    case 'blob':
      return Buffer.from('x').toString('base64');
    case 'boolean':
      return true;
    case 'list':
      return Array.from({ length: Math.max(shape.minimum ?? 1, 1) }, () => sample(shape.element));
    case 'map':
      return { a: 'b' };
    case 'structure':
      return sampleOf(shape.members);
    case 'integer':
    case 'long':
    case 'float':
      return shape.minimum ?? 1;
    default:
      throw new Error(`No request has a ${shape.kind}.`);
  }
}

function sampleText({ minimum = 0, pattern = '' }: StringShape): string {
  const named = SAMPLES.find(([of]) => of.test(pattern))?.[1];
  return named ?? 'a'.repeat(Math.max(minimum, 1));
}

/** The required members only. */
export function sampleOf(members: Members): Record<string, Value> {
  const required = Object.entries(members).filter(([, shape]) => shape.required);
  return Object.fromEntries(required.map(([name, shape]) => [name, sample(shape)]));
}

/** A place in a request: its path as AWS writes it, and the request that has a value there. */
interface Place {
  path: string;
  shape: Shape;
  /** Undefined leaves the member out. */
  fill(value: Value): Record<string, Value>;
}

/** Every member at every depth; of a list of structures its first element is looked into. */
export function* placesOf(
  members: Members,
  prefix = '',
  fill: (structure: Record<string, Value>) => Record<string, Value> = (structure) => structure,
): Generator<Place> {
  for (const [name, shape] of Object.entries(members)) {
    const path = `${prefix}${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    const inside = (value: Value) => fill({ ...sampleOf(members), [name]: value });
    yield { path, shape, fill: inside };
    if (shape.kind === 'structure') yield* placesOf(shape.members, `${path}.`, inside);
    if (shape.kind === 'list' && shape.element.kind === 'structure') {
      const rest = (sample(shape) as Value[]).slice(1);
      yield* placesOf(shape.element.members, `${path}.1.member.`, (first) => inside([first, ...rest]));
    }
  }
}

const atMost = (n: number, of = 'length') => `Member must have ${of} less than or equal to ${n}`;
const atLeast = (n: number, of = 'length') => `Member must have ${of} greater than or equal to ${n}`;
const matching = (pattern: string) => `Member must satisfy regular expression pattern: ${pattern}`;

/** All that AWS asks of a text, in its order, with whether the text does it. */
function* asked(shape: Shape, text = ''): Generator<[constraint: string, held: boolean]> {
  if (shape.kind === 'enum') {
    yield [`Member must satisfy enum value set: [${shape.values.join(', ')}]`, shape.values.includes(text)];
  }
  if (shape.kind !== 'string') return;
  const { minimum = 0, maximum, pattern } = shape;
  if (maximum !== undefined) yield [atMost(maximum), text.length <= maximum];
  if (minimum > 0) yield [atLeast(minimum), text.length >= minimum];
  if (pattern !== undefined) yield [matching(pattern), regex(pattern).test(text)];
}

const constraintsOf = (shape: Shape) => [...asked(shape)].map(([constraint]) => constraint).join(', ');

/** Every text that the shape refuses in one way. */
function* brokenTexts(shape: Shape): Generator<string> {
  if (shape.kind === 'enum') yield* ['NONE', shape.values[0]!.toLowerCase(), ''];
  if (shape.kind !== 'string') return;
  const { minimum = 0, maximum, pattern } = shape;
  const good = sampleText(shape);
  if (minimum > 0) yield good.slice(0, minimum - 1);
  if (maximum !== undefined) yield good.padEnd(maximum + 1, '1');
  if (pattern === undefined) return;
  const outsider = OUTSIDERS.map((text) => text.repeat(Math.max(minimum, 1))).find(
    (text) => !regex(pattern).test(text),
  );
  if (outsider === undefined) throw new Error(`Nothing breaks the pattern ${pattern}.`);
  yield outsider;
}

const MAXIMUM_SHOWN = 1024;
const shown = (text: string) => (text.length > MAXIMUM_SHOWN ? `${text.slice(0, MAXIMUM_SHOWN)}…` : text);

/** Values that break the shape, with what they look like in the answer and the constraints they break. */
function* brokenValues(shape: Shape): Generator<[value: Value, text: string, constraints: string[]]> {
  switch (shape.kind) {
    case 'string':
    case 'enum':
      for (const text of brokenTexts(shape)) {
        const broken = [...asked(shape, text)].filter(([, held]) => !held).map(([constraint]) => constraint);
        yield [text, shown(text), broken];
      }
      break;
    case 'integer':
    case 'long':
    case 'float': {
      const show = (value: number) =>
        shape.kind === 'float' && Number.isInteger(value) ? `${value}.0` : `${value}`;
      const { minimum, maximum } = shape;
      if (minimum !== undefined) yield [minimum - 1, show(minimum - 1), [atLeast(minimum, 'value')]];
      if (maximum !== undefined) yield [maximum + 1, show(maximum + 1), [atMost(maximum, 'value')]];
      break;
    }
    case 'blob':
      for (const [length, constraint] of [
        [shape.minimum - 1, atLeast(shape.minimum)],
        [shape.maximum + 1, atMost(shape.maximum)],
      ] as const) {
        const buffer = `java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]`;
        yield [Buffer.alloc(length).toString('base64'), buffer, [constraint]];
      }
      break;
    case 'list': {
      if (shape.element.kind === 'structure') break; // AWS's way to print structures isn't known
      const { minimum, maximum } = shape;
      const good = String(sample(shape.element));
      const show = (texts: string[]) => shown(`[${texts.join(', ')}]`);
      if (minimum) yield [[], '[]', [atLeast(minimum)]];
      const many = Array.from({ length: (maximum ?? 0) + 1 }, () => good);
      if (maximum) yield [many, show(many), [atMost(maximum)]];
      for (const text of brokenTexts(shape.element)) {
        const constraint = `Member must satisfy constraint: [${constraintsOf(shape.element)}]`;
        yield [[text], show([text]), [constraint]];
      }
      break;
    }
    case 'map': {
      const keys = `Map keys must satisfy constraint: [${constraintsOf(shape.key)}]`;
      const values = `Map value must satisfy constraint: [${constraintsOf(shape.value)}]`;
      for (const text of [...brokenTexts(shape.key), 'aws:a']) {
        yield [{ [text]: 'b' }, shown(`{${text}=b}`), [keys]];
      }
      for (const text of brokenTexts(shape.value)) yield [{ a: text }, shown(`{a=${text}}`), [values]];
      const many = Array.from({ length: shape.maximum + 1 }, (_, i) => `k${i}`);
      const map = Object.fromEntries(many.map((key) => [key, '']));
      yield [map, shown(`{${many.map((key) => `${key}=`).join(', ')}}`), [atMost(shape.maximum)]];
      break;
    }
  }
}

/** Everything that breaks the shape of one member. */
export function* brokenCases({ path, shape, fill }: Place): Generator<BrokenCase> {
  const failure = (text: string, constraint: string) =>
    `Value ${text} at '${path}' failed to satisfy constraint: ${constraint}`;
  if (shape.required) {
    const failures = [failure('null', 'Member must not be null')];
    yield { what: `${path} absent`, body: fill(undefined), failures };
    yield { what: `${path} null`, body: fill(null), failures };
  }
  for (const [value, text, constraints] of brokenValues(shape)) {
    const failures = constraints.map((constraint) => failure(`'${text}'`, constraint));
    yield { what: `${path} ${text.slice(0, 40)}`, body: fill(value), failures };
  }
}

/** How the answer calls a type that it wanted. */
const WANTED: Record<string, string> = {
  string: 'String',
  enum: 'String',
  integer: 'Integer',
  long: 'Long',
  float: 'Float',
  boolean: 'Boolean',
  blob: 'String',
  list: 'List',
  map: 'Map',
  structure: 'Structure',
};

/** The JSON type of each kind. */
const JSON_TYPES: Record<string, string> = {
  string: 'string',
  enum: 'string',
  blob: 'string',
  integer: 'number',
  long: 'number',
  float: 'number',
  boolean: 'boolean',
  list: 'list',
  map: 'object',
  structure: 'object',
};

const MISTYPED: [type: string, value: Value, text: string][] = [
  ['string', '1', 'STRING_VALUE can not be converted to'],
  ['number', 7, 'NUMBER_VALUE can not be converted to'],
  ['boolean', true, 'TRUE_VALUE can not be converted to'],
  ['list', ['a'], 'Start of list found where not expected.'],
  ['object', { a: 'b' }, 'Start of structure or map found where not expected.'],
];

/** Every JSON type that one member, and one element or value in it, hasn't. */
export function* mistypedCases({ path, shape, fill }: Place): Generator<MistypedCase> {
  yield* mistyped(path, shape, fill);
  if (shape.kind === 'list') yield* mistyped(`${path}.1.member`, shape.element, (value) => fill([value]));
  if (shape.kind === 'map') yield* mistyped(`${path}.a`, shape.value, (value) => fill({ a: value }));
  if (shape.kind === 'blob') {
    const message = `The text is not base64. (at '${path}')`;
    yield { what: `${path} without padding`, body: fill('YQ'), message };
  }
  if (shape.kind === 'integer') {
    for (const value of [1.5, 2 ** 31]) {
      const message = `NUMBER_VALUE can not be converted to Integer. (at '${path}')`;
      yield { what: `${path} ${value}`, body: fill(value), message };
    }
  }
}

function* mistyped(path: string, shape: Shape, fill: (value: Value) => object): Generator<MistypedCase> {
  for (const [type, value, text] of MISTYPED) {
    if (type === JSON_TYPES[shape.kind]) continue;
    const message = `${text.endsWith('.') ? text : `${text} ${WANTED[shape.kind]}.`} (at '${path}')`;
    yield { what: `${path} as ${type}`, body: fill(value), message };
  }
}
