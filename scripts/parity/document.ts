import { api, COMMON_ERRORS, FRAMEWORK_ERRORS } from './api.ts';
import { commonGaps, frameworkGaps, type Gaps, gaps } from './gaps.ts';
import type { Members, Shape } from './shape.ts';

const DONE = 'yes';

/** Every member below the given ones, with its path. */
export function* membersOf(members: Members, prefix = ''): Generator<[path: string, shape: Shape]> {
  for (const [name, shape] of Object.entries(members)) yield* withNested(prefix + name, shape);
}

function* withNested(path: string, shape: Shape): Generator<[path: string, shape: Shape]> {
  yield [path, shape];
  if (shape.kind === 'structure') yield* membersOf(shape.members, `${path}.`);
  if (shape.kind === 'list' && shape.element.kind === 'structure') {
    yield* membersOf(shape.element.members, `${path}[].`);
  }
}

/** docs/PARITY.md: every operation, its members and its errors, and what is done. */
export function renderParity(): string {
  const operations = Object.keys(api);
  return `${[
    '# Parity',
    'What Ocellus does of the API, made by `npm run parity` from the tables in `scripts/parity`; a test fails when',
    'this page, the operations, the tables and the AWS SDK disagree.',
    '',
    ...table(
      ['Operation', 'Done'],
      operations.map((name) => [`[${name}](#${name.toLowerCase()})`, stateOf(name)]),
    ),
    '## Errors of every operation',
    ...table(
      ['Error', 'Done'],
      [
        ...COMMON_ERRORS.map((code) => [code, commonGaps[code] ?? DONE]),
        ...FRAMEWORK_ERRORS.map((code) => [code, frameworkGaps[code] ?? DONE]),
      ],
    ),
    ...operations.flatMap((name) => renderOperation(name)),
  ].join('\n')}`;
}

function stateOf(name: string): string {
  const { operation, ...partial } = gaps[name] ?? {};
  if (operation) return operation;
  return Object.keys(partial).length > 0 ? 'yes, but see below' : DONE;
}

function renderOperation(name: string): string[] {
  const { request, response, errors } = api[name]!;
  const { operation, ...missing }: Gaps = gaps[name] ?? {};
  const done = operation ? 'no' : DONE;
  const rows = (members: Members, holes: Record<string, string> = {}) =>
    [...membersOf(members)].map(([path, shape]) => [`\`${path}\``, typeOf(shape), holes[path] ?? done]);
  return [
    `## ${name}`,
    ...table(['Request', 'Type', 'Done'], rows(request, missing.request)),
    ...table(['Response', 'Type', 'Done'], rows(response, missing.response)),
    ...table(
      ['Error', 'Done'],
      errors.map((code) => [code, missing.errors?.[code] ?? done]),
    ),
  ];
}

/** `string, 1–255, required` */
function typeOf(shape: Shape): string {
  const { minimum, maximum } = shape as { minimum?: number; maximum?: number };
  const range =
    minimum === undefined && maximum === undefined
      ? undefined
      : maximum === undefined
        ? `≥ ${minimum}`
        : `${minimum ?? 0}–${maximum}`;
  return [kindOf(shape), range, shape.required && 'required'].filter(Boolean).join(', ');
}

function kindOf(shape: Shape): string {
  if (shape.kind === 'list') return `list of ${kindOf(shape.element)}`;
  if (shape.kind === 'enum') return shape.values.map((value) => `\`${value}\``).join(' ');
  return shape.kind;
}

function table(heads: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return ['', line(heads), line(heads.map(() => '---')), ...rows.map(line), ''];
}
