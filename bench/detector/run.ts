// Trains detectors on the shared sets and measures them on the test images.
//
// Usage: node bench/detector/run.ts --tag NAME [--sets LIST] [--contenders LIST] [--seeds LIST] [--backbone FILE | --fresh] [--out FILE]
//
// Every result is a line of the results file at once, and what has a line with the same tag, set, contender and seed is
// left out: it may be ended at any moment and goes on. The tag names the code and the backbone that are measured. table.ts
// makes RESULTS.md of it.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openFile } from '../../src/backbones/library.ts';
import type { Budget } from '../../src/vision/budget.ts';
import {
  averagePrecision,
  type ExaminedPicture,
  maximumRecall,
  rankDetections,
} from '../../src/vision/detection-metrics.ts';
import { trainDetector } from '../../src/vision/detector.ts';
import { loadDetector } from '../../src/vision/model.ts';
import { appendLine, busyShare, machineName, readLines } from '../results.ts';
import { loadBoxes, SETS } from './sets.ts';

/** A line of the results file. */
export interface Result {
  tag: string;
  set: string;
  contender: string;
  seed: number;
  /** Mean over the labels of the average precision at an overlap of a half, 0–1, and that of each label. */
  meanPrecision: number;
  precision: Record<string, number>;
  /** Mean over the labels of the share of objects that are found at all. */
  meanRecall: number;
  /** From image files to a trained model, and for one test image (decoding within). */
  seconds: number;
  millisecondsPerImage: number;
  machine: string;
  /** Share of the processor that other programs took just before it began, 0–1; absent where it wasn't measured. */
  busy?: number;
}

const { values: options } = parseArgs({
  options: {
    tag: { type: 'string' },
    sets: { type: 'string', default: SETS.join() },
    contenders: { type: 'string', default: 'ocellus-fast,ocellus-balanced' },
    seeds: { type: 'string', default: '0,1,2' },
    backbone: { type: 'string', default: join(import.meta.dirname, '../../models/backbone/backbone.onnx') },
    fresh: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, 'results.jsonl') },
  },
});
const { tag, out } = options;
if (!tag)
  throw new Error('--tag NAME is missing: what the code and the backbone that are measured are called.');

async function openBackbone() {
  if (options.fresh || !existsSync(options.backbone)) return undefined;
  const description = join(dirname(options.backbone), 'backbone.json');
  return await openFile(await readFile(options.backbone), JSON.parse(readFileSync(description, 'utf8')));
}

async function measure(set: string, contender: string, seed: number): Promise<void> {
  const isThis = (each: Result) =>
    each.tag === tag && each.set === set && each.contender === contender && each.seed === seed;
  if (readLines<Result>(out).some(isThis)) return;
  const { labels, training, testing } = loadBoxes(set);
  const busy = round(await busyShare(), 2);
  const scratch = await mkdtemp(join(tmpdir(), 'ocellus-bench-'));
  const backbone = await openBackbone();
  const budget = contender.replace('ocellus-', '') as Budget;
  const begun = performance.now();
  const file = await trainDetector({ labels, training, seed, budget, backbone, scratch });
  const seconds = (performance.now() - begun) / 1000;
  await rm(scratch, { recursive: true });

  const model = await loadDetector(file);
  const pictures: ExaminedPicture[] = [];
  const asked = performance.now();
  for (const { boxes, load: read } of testing) {
    const [detections] = await model.detect([await read()]);
    pictures.push({ truth: boxes, detections: detections! });
  }
  const millisecondsPerImage = (performance.now() - asked) / testing.length;
  await model.close();
  const rankings = rankDetections(pictures, labels.length);
  const precisions = rankings.map(averagePrecision);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const result: Result = {
    tag: tag!,
    set,
    contender,
    seed,
    meanPrecision: round(mean(precisions), 4),
    precision: Object.fromEntries(labels.map((label, i) => [label, round(precisions[i]!, 3)])),
    meanRecall: round(mean(rankings.map(maximumRecall)), 4),
    seconds: round(seconds, 1),
    millisecondsPerImage: round(millisecondsPerImage, 1),
    machine: machineName(),
    busy,
  };
  appendLine(out, result);
  console.log(`${set} ${contender} ${seed}: mAP ${result.meanPrecision}, ${result.seconds} s`);
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));

for (const seed of options.seeds.split(',').map(Number)) {
  for (const set of options.sets.split(',')) {
    for (const contender of options.contenders.split(',')) await measure(set, contender, seed);
  }
}
