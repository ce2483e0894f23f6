import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { api } from '../scripts/parity/api.ts';
import { operations } from '../src/operations/index.ts';
import { KEYS, startInProcess, Workspace } from './harness.ts';
import { brokenCases, mistypedCases, placesOf, sampleOf } from './shape-cases.ts';
import { sign } from './signed-call.ts';
import { readStrictly } from './strict-reader.ts';

// Every constraint of every member of every operation, from the table of the API's shapes, through signed requests.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

interface ErrorBody {
  __type?: string;
  message?: string;
}

async function call(operation: string, input: object): Promise<ErrorBody> {
  const body = JSON.stringify(input);
  const headers = sign({
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      host: new URL(server.url).host,
      'x-amz-target': `RekognitionService.${operation}`,
    },
    body,
    instant: new Date(),
    ...KEYS,
  });
  const response = await fetch(server.url, { method: 'POST', headers, body });
  const text = await response.text();
  const answer = { status: response.status, headers: Object.fromEntries(response.headers), body: text };
  expect(readStrictly(operation, answer)).toEqual([]);
  return JSON.parse(text);
}

const plural = (count: number) => `${count} validation error${count === 1 ? '' : 's'} detected: `;

/** Each case's name with its answer, so that a failing test shows all that differ. */
async function answers<Case extends { what: string; body: object }>(operation: string, cases: Case[]) {
  const found: [what: string, answer: ErrorBody][] = [];
  for (const { what, body } of cases) found.push([what, await call(operation, body)]);
  return found;
}

test('the table covers every operation that the server answers', () => {
  expect(Object.keys(api)).toEqual(expect.arrayContaining(operations.map(({ name }) => name)));
});

describe.each(operations.map(({ name }) => name as string))('%s', (name) => {
  const { request } = api[name]!;
  const places = [...placesOf(request)];

  test('serialisation: a wrong JSON type', async () => {
    const cases = places.flatMap((place) => [...mistypedCases(place)]);
    const expected = cases.map(({ what, message }) => [what, { __type: 'SerializationException', message }]);
    expect(await answers(name, cases)).toEqual(expected);
  });

  test('validation: a broken shape', async () => {
    const cases = places.flatMap((place) => [...brokenCases(place)]);
    const expected = cases.map(({ what, failures }) => [
      what,
      { __type: 'ValidationException', message: plural(failures.length) + failures.join('; ') },
    ]);
    expect(await answers(name, cases)).toEqual(expected);
  });

  test('what is no error: members that are unknown, and optional ones that are null', async () => {
    const optional = places.filter(({ shape }) => !shape.required);
    const cases = [
      { what: 'unknown', body: { ...sampleOf(request), Unknown: { Member: [1] } } },
      ...optional.map(({ path, fill }) => ({ what: `${path} null`, body: fill(null) })),
    ];
    for (const [what, { __type }] of await answers(name, cases)) {
      expect([what, __type]).not.toEqual([what, 'ValidationException']);
      expect([what, __type]).not.toEqual([what, 'SerializationException']);
    }
  });
});
