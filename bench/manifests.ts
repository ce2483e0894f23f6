// How fast a manifest of 250,000 lines is read and checked, without images, against the least that anybody must do with
// it: JSON.parse of every line of the same file. Prints the table of manifests.md.
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseLine } from '../src/manifest/line.ts';
import { readLines } from '../src/manifest/reader.ts';
import type { ObjectStore } from '../src/objects/objects.ts';
import { readManifest } from '../src/training/manifest-set.ts';
import { manifestBytes } from './lines.ts';

const LINES = 250_000;
const ROUNDS = 5;

async function parseOnly(file: string): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (JSON.parse(line)['source-ref']) lines++;
  }
  return lines;
}

async function check(file: string): Promise<number> {
  let lines = 0;
  for await (const { text } of readLines(createReadStream(file))) {
    if (parseLine(text).image) lines++;
  }
  return lines;
}

/** As a training does: with a copy on disk, and what it needs of every line in memory. A local file needs no store. */
async function readForTraining(file: string): Promise<number> {
  const { lines } = await readManifest({} as ObjectStore, { file }, `${file}.copy`);
  return lines.length;
}

async function time(work: () => Promise<number>): Promise<number> {
  const begin = performance.now();
  if ((await work()) !== LINES) throw new Error('Lines are missing.');
  return (performance.now() - begin) / 1000;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const directory = await mkdtemp(join(tmpdir(), 'ocellus-bench-'));
try {
  const file = join(directory, 'all.manifest');
  await writeFile(file, manifestBytes(LINES));
  const megabytes = Math.round((await stat(file)).size / 1e6);
  const seconds: Record<'plain' | 'checked' | 'collected', number[]> = {
    plain: [],
    checked: [],
    collected: [],
  };
  const memory = { checked: 0, collected: 0 };
  const watch = (stage: keyof typeof memory) => {
    const timer = setInterval(() => {
      memory[stage] = Math.max(memory[stage], process.memoryUsage().rss);
    }, 20);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  };
  for (let round = 0; round < ROUNDS; round++) {
    using _ = watch('checked');
    seconds.plain.push(await time(() => parseOnly(file)));
    seconds.checked.push(await time(() => check(file)));
  }
  for (let round = 0; round < ROUNDS; round++) {
    using _ = watch('collected');
    seconds.collected.push(await time(() => readForTraining(file)));
  }
  const [plain, checked, collected] = [seconds.plain, seconds.checked, seconds.collected].map(median);
  const row = (what: string, value: number, of?: keyof typeof memory) =>
    `| ${what} | ${value.toFixed(2)} | ${rate(value)} | ${(value / plain!).toFixed(1)} | ${of ? Math.round(memory[of] / 1e6) : ''} |`;
  const rate = (value: number) => Math.round(LINES / value).toLocaleString('en');
  console.log(`${LINES.toLocaleString('en')} lines, ${megabytes} MB, median of ${ROUNDS} rounds, \
${availableParallelism()} cores, Node ${process.version}

| | seconds | lines a second | ÷ the first | MB of memory at most |
|---|---|---|---|---|
${row('readline and JSON.parse', plain!)}
${row('read and checked', checked!, 'checked')}
${row('read for a training', collected!, 'collected')}`);
} finally {
  await rm(directory, { recursive: true });
}
