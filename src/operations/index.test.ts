import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { operations } from './index.ts';

test('every operation has a file of its name, and every such file is registered', async () => {
  const files = await readdir(import.meta.dirname);
  const named = files.filter((file) => /^[A-Z]\w*\.ts$/.test(file)).map((file) => file.replace('.ts', ''));
  expect(operations.map(({ name }) => name as string).sort()).toEqual(named.sort());
});
