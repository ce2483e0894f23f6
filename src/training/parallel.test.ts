import { expect, it } from 'vitest';
import { inParallel } from './parallel.ts';

it('does everything, never more at a time than allowed', async () => {
  const done: number[] = [];
  let running = 0;
  let most = 0;
  await inParallel(Array(20).keys(), 3, async (item) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    done.push(item);
  });
  expect(done.sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
  expect(most).toBe(3);
});

it('begins nothing after a failure and throws it when the rest has ended', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = inParallel(Array(20).keys(), 2, async (item) => {
    begun.push(item);
    await new Promise(setImmediate);
    if (item === 2) throw new Error('two');
    ended.push(item);
  });
  await expect(work).rejects.toThrow('two');
  expect(begun.length).toBeLessThan(6);
  expect(ended).toEqual(begun.filter((item) => item !== 2));
});
