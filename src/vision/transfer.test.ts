import { expect, it } from 'vitest';
import { isPromising, leavesNothing } from './transfer.ts';

it.each([
  ['as good as the head, with all that it lacks', 0.5, true],
  ['a little worse', 0.6, true],
  ['much worse', 0.7, false],
])('a trial that is %s promises a better network: %s, %s', (_case, trial, promises) => {
  expect(isPromising(trial, 0.5)).toBe(promises);
});

it.each([
  [0.02, true, true],
  [0.05, true, false],
  // A mean over the labels: ten times as much per picture.
  [0.02, false, false],
  [0.002, false, true],
])(
  'a head with a loss of %s (exclusive labels: %s) leaves nothing to fine-tune: %s',
  (loss, exclusive, nothing) => {
    expect(leavesNothing(loss, { exclusive, labelCount: 10 })).toBe(nothing);
  },
);
