import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** The lines of a results file (JSON Lines); none when there is no file. */
export function readLines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

export function appendLine(path: string, result: object): void {
  appendFileSync(path, `${JSON.stringify(result)}\n`);
}

/** For example `2 cores, AMD EPYC`. */
export function machineName(): string {
  return `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}`;
}

function processorTimes() {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.flatMap((each) => Object.values(each))) };
}

/** The share of the processor, 0–1, that is in use during one second in which we do nothing. */
export async function busyShare(): Promise<number> {
  const before = processorTimes();
  await setTimeout(1000);
  const after = processorTimes();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}
