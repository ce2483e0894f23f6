import type { ProgressReport } from '../training/progress-report.ts';
import type { Client } from './client.ts';
import { followProgress } from './follow.ts';
import { describeProgress, progressBar } from './progress-line.ts';

/** Lines for a file or a pipe: one per stage, and one for each tenth. */
const TENTHS = 10;

/** Shows how a training goes until it ends, and answers with its end. Throws CliError. */
export async function watchTraining(client: Client, arn: string): Promise<ProgressReport> {
  const show = process.stdout.isTTY ? showBar : lines();
  let last: ProgressReport | undefined;
  const events = followProgress(() => client.get('progress', arn, { accept: 'text/event-stream' }));
  for await (const report of events) {
    for (const note of report.notes.slice(last?.notes.length ?? 0)) show(report, note);
    show(report);
    last = report;
  }
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
  return last!;
}

function showBar(report: ProgressReport, note?: string): void {
  const { stdout } = process;
  if (note !== undefined) stdout.write(`\r\x1b[2K${note}\n`);
  stdout.write(`\r\x1b[2K${progressBar(report, (stdout.columns || 80) - 1)}`);
}

function lines() {
  let said = '';
  return (report: ProgressReport, note?: string): void => {
    if (note !== undefined) console.log(note);
    const state = `${report.attempt} ${report.stage} ${Math.floor(TENTHS * report.fraction)}`;
    if (state === said || report.status !== 'TRAINING_IN_PROGRESS') return;
    said = state;
    console.log(describeProgress(report));
  };
}
