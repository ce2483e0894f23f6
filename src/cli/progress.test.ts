import { describe, expect, test } from 'vitest';
import type { ProgressReport } from '../training/progress-report.ts';
import { ApiError } from './client.ts';
import { CliError } from './command.ts';
import { followProgress } from './follow.ts';
import { describeProgress, progressBar } from './progress-line.ts';

const report = (fraction: number, more: Partial<ProgressReport> = {}): ProgressReport => ({
  projectVersionArn: 'arn',
  status: 'TRAINING_IN_PROGRESS',
  statusMessage: '',
  attempt: 1,
  stage: 'fine-tuning',
  fraction,
  notes: [],
  curve: [],
  ...more,
});

describe('the line', () => {
  const all = { imagesPerSecond: 26.7, loss: 0.421, validationLoss: 0.5, secondsLeft: 110, attempt: 2 };

  test('says what is known', () => {
    expect(describeProgress(report(0.437, all))).toBe(
      'fine-tuning, 43 %, attempt 2, 27 images/s, loss 0.42, held-out loss 0.50, about 2 min left',
    );
    expect(describeProgress(report(0.437))).toBe('fine-tuning, 43 %');
    expect(describeProgress(report(0, { stage: undefined }))).toBe('not begun, 0 %');
  });

  test('has a bar, and is not wider than the terminal', () => {
    expect(progressBar(report(0), 80)).toBe(`${'░'.repeat(24)}   0 %  fine-tuning`);
    expect(progressBar(report(0.5), 80)).toBe(`${'█'.repeat(12)}${'░'.repeat(12)}  50 %  fine-tuning`);
    expect(progressBar(report(1, all), 200)).toMatch(
      /^█{24} 100 % {2}fine-tuning, attempt 2, 27 images\/s, /,
    );
    expect(progressBar(report(0.9, all), 40)).toHaveLength(40);
  });
});

describe('following', () => {
  const event = (name: string, fraction: number) =>
    `event: ${name}\ndata: ${JSON.stringify(report(fraction))}\n\n`;
  /** An answer whose text comes in pieces; it breaks off in the end when `broken`. */
  function answer(text: string, broken = false): Response {
    const bytes = new TextEncoder().encode(text);
    let position = 0;
    const body = new ReadableStream({
      pull(controller) {
        const piece = bytes.slice(position, position + 7);
        position += 7;
        if (piece.length > 0) controller.enqueue(piece);
        else if (broken) controller.error(new TypeError('terminated'));
        else controller.close();
      },
    });
    return new Response(body);
  }

  async function fractions(answers: (Response | Error)[]): Promise<number[]> {
    const seen: number[] = [];
    const open = async () => {
      const next = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (next instanceof Error) throw next;
      return next;
    };
    for await (const { fraction } of followProgress(open, async () => {})) seen.push(fraction);
    return seen;
  }

  test('goes on after a broken connection, while the server restarts, until the end', async () => {
    const answers = [
      answer(`${event('progress', 0.1)}: still there\n\n${event('progress', 0.2)}`, true),
      new CliError('No server answers'),
      answer(event('progress', 0)),
      answer(event('progress', 0.5) + event('end', 1)),
    ];
    expect(await fractions(answers)).toEqual([0.1, 0.2, 0, 0.5, 1]);
  });

  test('ends when nobody is there, when the server refuses, and when it does not come back', async () => {
    await expect(fractions([new CliError('No server answers')])).rejects.toThrow('No server answers');
    const gone = new ApiError('ResourceNotFoundException', 'Gone.');
    await expect(fractions([answer(event('progress', 0)), gone])).rejects.toBe(gone);
    const never = [answer(event('progress', 0)), new CliError('No server answers')];
    await expect(fractions(never)).rejects.toThrow('The server has gone');
  });
});
