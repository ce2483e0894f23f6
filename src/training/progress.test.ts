import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { beginAttempt, ProgressHistory, progressFile, progressText, readProgress } from './progress.ts';
import { describeDuration, progressReport, trainingMessage } from './progress-report.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-progress-'));
});
afterEach(() => rm(folder, { recursive: true }));

const T0 = 1_800_000_000_000;
const version = {
  arn: 'arn',
  status: 'TRAINING_IN_PROGRESS',
  statusMessage: 'The model is being trained.',
} as const;

/** A training that has reported its fraction every second. */
function training(fractions: number[], more: object = {}): ProgressHistory {
  const history = new ProgressHistory();
  history.add({ time: T0, started: true });
  fractions.forEach((fraction, i) => {
    history.add({ time: T0 + 1000 * (i + 1), stage: 'fine-tuning', fraction, ...more });
  });
  return history;
}

describe('the file', () => {
  test('keeps the curve of every attempt, and what a crash cut is left out', async () => {
    const history = await readProgress(folder);
    await beginAttempt(folder, history);
    const report = (time: number, fraction: number, more = {}) =>
      progressText({ time, stage: 'training', fraction, ...more });
    await appendFile(progressFile(folder), report(T0, 0.1, { loss: 2, note: 'Mind this.' }));
    await appendFile(progressFile(folder), report(T0 + 500, 0.2, { loss: 1, note: 'Mind this.' }));
    await appendFile(progressFile(folder), report(T0 + 900, 0.3).slice(0, 20));
    await beginAttempt(folder, history);
    await appendFile(progressFile(folder), report(T0 + 100, 0.05, { validationLoss: 3 }));

    const read = await readProgress(folder);
    expect(read.attempts).toBe(2);
    expect(read.startedAt).toBe(history.startedAt);
    expect(read.notes).toEqual(['Mind this.']);
    expect(read.points).toEqual([
      { time: T0, attempt: 1, stage: 'training', fraction: 0.1, loss: 2 },
      { time: T0 + 500, attempt: 1, stage: 'training', fraction: 0.2, loss: 1 },
      // The clock was set back meanwhile.
      { time: T0 + 501, attempt: 2, stage: 'training', fraction: 0.05, validationLoss: 3 },
    ]);
    expect(read.current).toEqual(read.points.slice(2));
  });

  test('is read in bounded memory, with the first point of each stage and every validation', async () => {
    const history = training([]);
    for (let i = 0; i < 100_000; i++) {
      const stage = i < 50_000 ? 'early' : 'late';
      history.add({
        time: T0 + i,
        stage,
        fraction: i / 1e5,
        ...(i % 10_000 === 77 && { validationLoss: i }),
      });
    }
    expect(history.points.length).toBeLessThan(1020);
    expect(history.points.filter(({ validationLoss }) => validationLoss !== undefined)).toHaveLength(10);
    expect(history.points.find(({ stage }) => stage === 'late')!.time).toBe(T0 + 50_000);
    expect(history.points.at(-1)!.fraction).toBe(0.99999);
    const times = history.points.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('the report', () => {
  test('has the latest values of the stage, and the time that is left', () => {
    const history = training([0.1, 0.2, 0.3, 0.4], { loss: 0.5, imagesPerSecond: 20 });
    history.add({ time: T0 + 5000, stage: 'fine-tuning', fraction: 0.5, validationLoss: 0.7 });
    const report = progressReport(version, history, T0 + 5000, T0 + 3000);
    expect(report).toEqual({
      projectVersionArn: 'arn',
      status: 'TRAINING_IN_PROGRESS',
      statusMessage: 'The model is being trained. (fine-tuning, 50 %, a few seconds left)',
      attempt: 1,
      startedAt: T0,
      stage: 'fine-tuning',
      fraction: 0.5,
      imagesPerSecond: 20,
      loss: 0.5,
      validationLoss: 0.7,
      secondsLeft: 5,
      notes: [],
      curve: history.points.slice(3),
    });
  });

  test('says when a training has started again, and keeps the curve', () => {
    const history = training([0.1, 0.2], { loss: 1 });
    history.add({ time: T0 + 9000, started: true });
    const report = progressReport(version, history, T0 + 9000);
    expect(report).toMatchObject({ attempt: 2, stage: 'starting', fraction: 0, startedAt: T0 + 9000 });
    expect(report.curve).toHaveLength(2);
    expect(report).not.toHaveProperty('loss');
    expect(report).not.toHaveProperty('secondsLeft');
    expect(trainingMessage('Training.', history, T0 + 9000)).toBe('Training. (attempt 2, starting, 0 %)');
  });

  test('of a training that has ended has neither pace nor time left', () => {
    const history = training([0.3, 0.6, 0.9, 1], { loss: 0.5, imagesPerSecond: 20 });
    const ended = { ...version, status: 'TRAINING_COMPLETED', statusMessage: 'Ready.' } as const;
    const report = progressReport(ended, history, T0 + 90_000);
    expect(report).toMatchObject({ statusMessage: 'Ready.', fraction: 1, loss: 0.5 });
    expect(report).not.toHaveProperty('imagesPerSecond');
    expect(report).not.toHaveProperty('secondsLeft');
  });

  test('of a training that has not begun', () => {
    const report = progressReport(version, new ProgressHistory(), T0);
    expect(report).toMatchObject({ attempt: 0, stage: 'starting', fraction: 0, curve: [] });
    expect(report).not.toHaveProperty('startedAt');
  });
});

test.each([
  [0, 'a few seconds'],
  [33, 'about 40 s'],
  [55, 'about 1 min'],
  [119, 'about 2 min'],
  [5399, 'about 90 min'],
  [7300, 'about 2 h'],
])('%s seconds are %s', (seconds, text) => expect(describeDuration(seconds)).toBe(text));
