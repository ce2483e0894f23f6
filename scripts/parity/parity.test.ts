import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { operations } from '../../src/operations/index.ts';
import { api, COMMON_ERRORS, FRAMEWORK_ERRORS } from './api.ts';
import { membersOf, renderParity } from './document.ts';
import { commonGaps, frameworkGaps, gaps } from './gaps.ts';
import { type Outline, outlinesOf, sdkOperations } from './sdk.ts';
import type { Members, Shape } from './shape.ts';

const names = Object.keys(api);
const root = new URL('../../', import.meta.url);

test('the table has the 27 operations, and the SDK has them all', () => {
  expect(names).toHaveLength(27);
  expect(sdkOperations()).toEqual(expect.arrayContaining(names));
});

test('every operation of the table has its file in src/operations, and the server answers it', async () => {
  const files = await readdir(new URL('src/operations', root));
  const named = files.flatMap((file) => /^([A-Z]\w*)\.ts$/.exec(file)?.[1] ?? []).sort();
  expect(named).toEqual(names.toSorted());
  expect(operations.map(({ name }) => name as string).sort()).toEqual(named);
});

/** A shape's type as the SDK knows it. */
const sdkKind = ({ kind }: Shape) =>
  ({ enum: 'string', integer: 'number', long: 'number', float: 'number' })[kind as string] ?? kind;

function outline(members: Members, showRequired: boolean): Outline {
  const found: Outline = {};
  for (const [path, shape] of membersOf(members)) {
    found[path] = sdkKind(shape) + (showRequired && shape.required ? '!' : '');
    if (shape.kind === 'list') found[`${path}[]`] = sdkKind(shape.element);
  }
  return found;
}

const optional = (given: Outline) =>
  Object.fromEntries(Object.entries(given).map(([path, type]) => [path, type.replace('!', '')]));

test.each(names)('%s has the members that the SDK has', (name) => {
  const { request, response } = outlinesOf(name);
  expect(outline(api[name]!.request, true)).toEqual(request);
  expect(outline(api[name]!.response, false)).toEqual(optional(response));
});

test('what is said to be missing is in the table', () => {
  const unknown: string[] = [];
  for (const [name, { request = {}, response = {}, errors = {} }] of Object.entries(gaps)) {
    const operation = api[name];
    const paths = (members: Members = {}) => new Set([...membersOf(members)].map(([path]) => path));
    const known = [paths(operation?.request), paths(operation?.response), new Set(operation?.errors)];
    for (const [index, holes] of [request, response, errors].entries()) {
      unknown.push(...Object.keys(holes).filter((hole) => !known[index]!.has(hole)));
    }
    if (!operation) unknown.push(name);
  }
  unknown.push(...Object.keys(commonGaps).filter((code) => !COMMON_ERRORS.includes(code)));
  unknown.push(...Object.keys(frameworkGaps).filter((code) => !FRAMEWORK_ERRORS.includes(code)));
  expect(unknown).toEqual([]);
});

test('docs/PARITY.md is what `npm run parity` writes', async () => {
  const written = await readFile(new URL('docs/PARITY.md', root), 'utf8');
  expect(written).toBe(renderParity());
});
