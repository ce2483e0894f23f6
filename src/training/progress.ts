import { appendFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingProgress } from '../vision/classifier.ts';

/** One report of a training. */
export interface ProgressPoint extends TrainingProgress {
  /** Epoch milliseconds, later than that of the point before. */
  time: number;
  /** Counts from 1: a training that was interrupted starts again. */
  attempt: number;
}

/** A line of the file: a report, or that an attempt begins. */
export type ProgressLine = { time: number } & (TrainingProgress | { started: true });

/** File of progress reports in the version's folder, one JSON object per line. */
const FILE = 'progress.jsonl';
/** Points that are kept of a long training: at twice as many every second one is forgotten. */
const KEPT = 500;

export const progressFile = (folder: string) => join(folder, FILE);

/** The text that appends a line. A line that a crash left half written ends before it. */
export const progressText = (line: ProgressLine) => `\n${JSON.stringify(line)}\n`;

/** How a training has gone so far, of all its attempts, in bounded memory. */
export class ProgressHistory {
  /** Attempts begun. */
  attempts = 0;
  /** When the current attempt began, epoch milliseconds. */
  startedAt: number | undefined;
  /** In order of time. */
  points: ProgressPoint[] = [];
  /** Remarks for users, each once. */
  readonly notes: string[] = [];

  add(line: ProgressLine): void {
    if ('started' in line) {
      this.attempts++;
      this.startedAt = line.time;
      return;
    }
    const { note, ...report } = line;
    if (note !== undefined && !this.notes.includes(note)) this.notes.push(note);
    const time = Math.max(line.time, (this.points.at(-1)?.time ?? 0) + 1);
    this.points.push({ ...report, time, attempt: Math.max(1, this.attempts) });
    if (this.points.length >= 2 * KEPT) this.#thin();
  }

  /** The points of the current attempt. */
  get current(): ProgressPoint[] {
    return this.points.filter(({ attempt }) => attempt === this.attempts);
  }

  #thin(): void {
    const last = this.points.length - 1;
    this.points = this.points.filter((point, i) => {
      const begins = point.stage !== this.points[i - 1]?.stage;
      return i % 2 === 0 || i === last || begins || isRare(point);
    });
  }
}

const isRare = ({ validationLoss, calibrationError }: ProgressPoint) =>
  validationLoss !== undefined || calibrationError !== undefined;

/** What the version's folder says; an empty history where there is no such file yet. */
export async function readProgress(folder: string): Promise<ProgressHistory> {
  const history = new ProgressHistory();
  const file = await open(progressFile(folder)).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  for await (const text of file?.readLines() ?? []) {
    const line = parseLine(text);
    if (line) history.add(line);
  }
  return history;
}

/** Undefined for a line that a crash left half written. */
function parseLine(text: string): ProgressLine | undefined {
  try {
    const line = JSON.parse(text);
    return typeof line?.time === 'number' ? line : undefined;
  } catch {
    return undefined;
  }
}

/** Writes down that an attempt begins. */
export async function beginAttempt(folder: string, history: ProgressHistory): Promise<void> {
  const line: ProgressLine = { time: Date.now(), started: true };
  await appendFile(progressFile(folder), progressText(line));
  history.add(line);
}
