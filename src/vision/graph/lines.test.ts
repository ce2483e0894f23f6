import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const BUDGET = 1650;

it(`is an engine of at most ${BUDGET} lines`, () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const lines = sources.map(
    (file) => readFileSync(join(import.meta.dirname, file), 'utf8').split('\n').length - 1,
  );
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.reduce((a, b) => a + b)).toBeLessThanOrEqual(BUDGET);
});
