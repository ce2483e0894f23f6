// Prints RESULTS.md from the results file. Usage: node bench/detector/table.ts [FILE] > RESULTS.md
import { join } from 'node:path';
import { readLines } from '../results.ts';
import type { Result } from './run.ts';

const results = readLines<Result>(process.argv[2] ?? join(import.meta.dirname, 'results.jsonl'));
if (results.length === 0) throw new Error('There are no results.');
const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

console.log(`# The detector on the shared sets

\`run.ts\` on ${[...new Set(results.map(({ machine }) => machine))].join(' and ')}. Average precision at an overlap of a half, all-point interpolation, mean over the
labels (mAP) and seeds; mean recall; seconds from image files to a trained model; milliseconds for one test image, decoding within. \`PEER:BUDGET\` (\`PEER.py\`) had the same images and
input size, and as many seconds as Ocellus took with that budget; \`torchvision-fcos\` begins with the same backbone, \`yolov8n\` with fresh weights.

| results | set | contender | seeds | mAP | per label | recall | seconds | ms per image |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`);
const groups = Map.groupBy(results, ({ tag, set, contender }) => [tag, set, contender].join(' | '));
for (const [name, group] of groups) {
  const of = (key: 'meanPrecision' | 'meanRecall' | 'seconds') => mean(group.map((each) => each[key]));
  const labels = Object.keys(group[0]!.precision);
  const perLabel = labels.map(
    (label) => `${label} ${mean(group.map((each) => each.precision[label]!)).toFixed(2)}`,
  );
  const figures = [
    of('meanRecall').toFixed(3),
    of('seconds').toFixed(0),
    group[0]!.millisecondsPerImage === undefined
      ? ''
      : mean(group.map(({ millisecondsPerImage = 0 }) => millisecondsPerImage)).toFixed(0),
  ];
  const cells = [name, group.length, of('meanPrecision').toFixed(3), perLabel.join(', '), ...figures];
  console.log(`| ${cells.join(' | ')} |`);
}
