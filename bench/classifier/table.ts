// Prints RESULTS.md from the results file. Usage: node bench/classifier/table.ts [--tag NAME] [FILE] > RESULTS.md
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readLines } from '../results.ts';
import type { Result } from './results.ts';

const { values: options, positionals } = parseArgs({
  options: { tag: { type: 'string' } },
  allowPositionals: true,
});
const all = readLines<Result>(positionals[0] ?? join(import.meta.dirname, 'results.jsonl'));
const tag = options.tag ?? all.at(-1)?.tag;
const results = all.filter((each) => each.tag === tag);
if (results.length === 0) throw new Error(`There are no results${tag ? ` with the tag ${tag}` : ''}.`);

const distinct = (values: string[]) => [...new Set(values)];
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
const contenders = distinct(results.map(({ contender }) => contender)).sort(
  (a, b) => Number(b.startsWith('ocellus')) - Number(a.startsWith('ocellus')),
);
const of = (task: string, contender: string) =>
  results.filter((each) => each.task === task && each.contender === contender);

/** The mean, and the standard deviation where there are several seeds; bold for the best mean of the row. */
function accuracyCell(found: Result[], best: number): string {
  if (found.length === 0) return '';
  const scores = found.map(({ macroF1 }) => macroF1);
  const text = mean(scores).toFixed(3);
  const spread = scores.length > 1 ? ` ± ${deviation(scores).toFixed(3)}` : '';
  return (mean(scores) >= best ? `**${text}**` : text) + spread;
}

function accuracyTable(tasks: string[]): string {
  const rows = tasks.map((task) => {
    const found = contenders.map((contender) => of(task, contender));
    const best = Math.max(
      ...found.filter(({ length }) => length > 0).map((each) => mean(each.map(({ macroF1 }) => macroF1))),
    );
    return [name(task), ...found.map((each) => accuracyCell(each, best))];
  });
  return table(['macro-F1', ...contenders], rows);
}

function timeTable(tasks: string[]): string {
  const cell = (found: Result[]) =>
    found.length > 0 ? mean(found.map((each) => each.seconds)).toFixed(0) : '';
  const rows = tasks.map((task) => [name(task), ...contenders.map((each) => cell(of(task, each)))]);
  return table(['seconds', ...contenders], rows);
}

const name = (task: string) => task.replace(/:(\d+)/, ', $1 per class');

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function seedsOf(tasks: string[]): string {
  const counts = distinct(
    tasks.flatMap((task) => contenders.map((contender) => String(of(task, contender).length))),
  );
  return counts
    .filter((count) => count !== '0')
    .sort()
    .join(' to ');
}

const tasks = distinct(results.map(({ task }) => task));
const whole = tasks.filter((task) => !task.includes(':'));
const few = tasks.filter((task) => task.includes(':'));
const disturbed = results.filter(({ busy }) => busy > 0.1).length;

console.log(`# The classifier against its peers

\`run.ts\`, results \`${tag}\`, on ${distinct(results.map(({ machine }) => machine)).join(' and ')}. Macro-F1 on the images of the test manifest (the best label;
several labels: each from 0.5 up), mean and standard deviation over seeds; seconds from image files to a trained model, through the API for Ocellus
(checks, evaluation and results are within). ${disturbed === 0 ? 'Nothing else ran when they began.' : `${disturbed} of ${results.length} results began while the machine was busy with other things: their seconds are too many.`}

- **ocellus-fast, -balanced, -best**: this server with its budgets.
- **sklearn-logistic**: logistic regression on features that Ocellus computed with the same backbone (four views of each picture), C by cross-validation.
- **pytorch-tune**: the same backbone fine-tuned in PyTorch (AdamW, cosine, crops and mirror images, label smoothing, moving average).
- **pytorch-scratch**: the same network from fresh weights in PyTorch, for as long as ocellus-balanced took.`);
for (const [title, chosen] of [
  ['Whole sets', whole],
  ['Few images', few],
] as const) {
  if (chosen.length === 0) continue;
  console.log(`\n## ${title} (seeds per figure: ${seedsOf(chosen)})\n`);
  console.log(`${accuracyTable(chosen)}\n\n${timeTable(chosen)}`);
}
