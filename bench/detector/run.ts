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
import type { Detection } from '../../src/vision/boxes.ts';
import type { Budget } from '../../src/vision/budget.ts';
import { averagePrecision, maximumRecall, rankDetections } from '../../src/vision/detection-metrics.ts';
import { trainDetector } from '../../src/vision/detector.ts';
import { loadDetector } from '../../src/vision/model.ts';
import { appendLine, busyShare, machineName, readLines } from '../results.ts';
import { trainPeer } from './peers.ts';
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
  /** From image files to a trained model. */
  seconds: number;
  /** For one test image, decoding within; absent for peers, which are asked in batches of their own. */
  millisecondsPerImage?: number;
  machine: string;
  /** Share of the processor that other programs took just before it began, 0–1; absent where it wasn't measured. */
  busy?: number;
  /** What there is to say of how a peer was made. */
  about?: string;
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

type BoxSet = ReturnType<typeof loadBoxes>;

/** What a contender found on the test images, and how long it took. */
export interface Outcome {
  seconds: number;
  millisecondsPerImage?: number;
  about?: string;
  detections: Detection[][];
}

async function trainOcellus(
  { labels, training, testing }: BoxSet,
  budget: Budget,
  seed: number,
): Promise<Outcome> {
  const scratch = await mkdtemp(join(tmpdir(), 'ocellus-bench-'));
  const backbone = await openBackbone();
  const begun = performance.now();
  const file = await trainDetector({ labels, training, seed, budget, backbone, scratch });
  const seconds = (performance.now() - begun) / 1000;
  await rm(scratch, { recursive: true });
  const model = await loadDetector(file);
  const detections: Detection[][] = [];
  const asked = performance.now();
  for (const { load } of testing) detections.push((await model.detect([await load()]))[0]!);
  const millisecondsPerImage = (performance.now() - asked) / testing.length;
  await model.close();
  return { seconds, millisecondsPerImage, detections };
}

const same = (set: string, contender: string, seed: number) => (each: Result) =>
  each.tag === tag && each.set === set && each.contender === contender && each.seed === seed;

/** `ocellus-BUDGET`, or `PEER:BUDGET`: a peer for as long as Ocellus took with that budget. */
async function train(set: string, contender: string, seed: number): Promise<Outcome> {
  const boxes = loadBoxes(set);
  const [peer = '', budget] = contender.split(':');
  if (budget === undefined)
    return await trainOcellus(boxes, contender.replace('ocellus-', '') as Budget, seed);
  const ours = readLines<Result>(out).find(same(set, `ocellus-${budget}`, seed));
  if (!ours) throw new Error(`${contender} takes as long as ocellus-${budget}, which has no result yet`);
  return await trainPeer(boxes, { contender: peer, seed, seconds: ours.seconds, backbone: options.backbone });
}

async function measure(set: string, contender: string, seed: number): Promise<void> {
  if (readLines<Result>(out).some(same(set, contender, seed))) return;
  const busy = round(await busyShare(), 2);
  const { seconds, millisecondsPerImage, about, detections } = await train(set, contender, seed);
  const { labels, testing } = loadBoxes(set);
  const pictures = testing.map(({ boxes: truth }, i) => ({ truth, detections: detections[i]! }));
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
    ...(millisecondsPerImage !== undefined && { millisecondsPerImage: round(millisecondsPerImage, 1) }),
    machine: machineName(),
    busy,
    ...(about !== undefined && { about }),
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
