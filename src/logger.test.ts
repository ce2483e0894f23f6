import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';

test('an event is one line of time, level, message and fields', () => {
  const lines: string[] = [];
  const logger = createLogger((line) => lines.push(line));
  logger.child({ version: 'arn' }).info({ fraction: 0.5, code: 'E', absent: undefined }, 'training: epoch 1');
  logger.warn('low on disk');
  logger.error({ err: new Error('broken') }, 'failed');
  const time = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `;
  expect(lines[0]).toMatch(new RegExp(`${time}info training: epoch 1 version=arn fraction=0.5 code=E$`));
  expect(lines[1]).toMatch(new RegExp(`${time}warn low on disk$`));
  expect(lines[2]).toMatch(new RegExp(`${time}error failed\nError: broken\n`));
});
