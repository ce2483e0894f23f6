import type { ProgressReport } from '../training/progress-report.ts';
import { Client, openClient } from './client.ts';
import { CliError, defineCommand } from './command.ts';
import { followProgress } from './follow.ts';
import { requireVersion } from './names.ts';
import { describeProgress, progressBar } from './progress-line.ts';

const help = `Usage: ocellus progress VERSION-ARN
       ocellus progress PROJECT VERSION

Shows how a training goes until it ends: its stage, how much is done, images per second, the loss and the time that is
left. Waits for a server that restarts. Ctrl-C ends the watching, not the training.

Exit status 1 when the training failed.`;

/** Lines for a file or a pipe: one per stage, and one for each tenth. */
const TENTHS = 10;

export const progress = defineCommand(
  { help, options: {}, operands: { minimum: 1, maximum: 2 } },
  async ([first = '', second]): Promise<number> => {
    const opened = await openClient();
    const arn =
      second === undefined ? first : (await requireVersion(opened, first, second)).ProjectVersionArn!;
    const region = /^arn:[^:]*:rekognition:([^:]+):/.exec(arn)?.[1];
    if (region === undefined) throw new CliError(`"${arn}" is not the ARN of a version.\n\n${help}`, 2);
    // A signature is for one Region, and the ARN says which.
    const client = new Client({ ...opened.connection, region });
    const show = process.stdout.isTTY ? showBar : lines();
    let last: ProgressReport | undefined;
    const events = followProgress(() => client.get('progress', arn, { accept: 'text/event-stream' }));
    for await (const report of events) {
      for (const note of report.notes.slice(last?.notes.length ?? 0)) show(report, note);
      show(report);
      last = report;
    }
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
    console.log(`${last!.status}: ${last!.statusMessage}`);
    return last!.status === 'TRAINING_FAILED' ? 1 : 0;
  },
);

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
