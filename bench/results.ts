import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';

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

/** Processes that wanted the processor in the last minute: above 0.5 the machine isn't quiet. */
export const currentLoad = () => Number(loadavg()[0]!.toFixed(1));
