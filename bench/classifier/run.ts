// Trains the shared sets with Ocellus and with what people use instead, one after the other on the same machine.
//
// Usage: PYTHON=… node bench/classifier/run.ts --tag NAME [--tasks LIST] [--contenders LIST] [--seeds LIST]
//                                              [--backbone FILE --family NAME] [--epochs 30] [--out FILE]
//
// Every result is a line of the results file at once, and what has a line with the same tag, task, contender and seed is
// left out: it may be ended at any moment and goes on. The tag names the code and the backbone that are measured. Lists
// are separated by commas; tasks are sets, or SET:10 for ten images per class. --epochs is pytorch-tune's. table.ts makes RESULTS.md of it.
// Python has torch, torchvision, scikit-learn, onnx and pillow.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { appendLine, busyShare, machineName, readLines } from '../results.ts';
import { type Outcome, trainOcellus } from './ocellus.ts';
import { trainPeer } from './peers.ts';
import { logLoss, macroF1, type Result } from './results.ts';
import { FEW_SHOT, loadTask, SETS, type Task } from './tasks.ts';

const CONTENDERS = [
  'ocellus-fast',
  'ocellus-balanced',
  'ocellus-best',
  'sklearn-logistic',
  'pytorch-tune',
  'pytorch-scratch',
];
/** Whose time `pytorch-scratch` gets. */
const CLOCK = 'ocellus-balanced';

const { values: options } = parseArgs({
  options: {
    tag: { type: 'string' },
    tasks: { type: 'string', default: [...SETS, ...FEW_SHOT].join() },
    contenders: { type: 'string', default: CONTENDERS.join() },
    seeds: { type: 'string' },
    backbone: { type: 'string' },
    family: { type: 'string' },
    epochs: { type: 'string', default: '30' },
    out: { type: 'string', default: join(import.meta.dirname, 'results.jsonl') },
  },
});
const { tag, out } = options;
if (!tag)
  throw new Error('--tag NAME is missing: what the code and the backbone that are measured are called.');
const shipped = join(import.meta.dirname, '../../models/backbone/backbone.onnx');
const backbone = options.backbone ?? shipped;

function familyOf(path: string): string {
  if (options.family) return options.family;
  const card = join(dirname(path), 'card.json');
  if (!existsSync(card)) throw new Error(`There is no ${card}: give --family.`);
  return JSON.parse(readFileSync(card, 'utf8')).family;
}
const family = familyOf(backbone);

/** Three seeds of a whole set, five draws of a few-shot task. */
const seedsOf = (task: string) =>
  options.seeds?.split(',').map(Number) ?? (task.includes(':') ? [0, 1, 2, 3, 4] : [0, 1, 2]);

const find = (task: string, contender: string, seed: number) =>
  readLines<Result>(out).find(
    (each) => each.tag === tag && each.task === task && each.contender === contender && each.seed === seed,
  );

async function compete(task: Task, contender: string, seed: number): Promise<Outcome> {
  if (contender.startsWith('ocellus-')) {
    return await trainOcellus(task, contender.slice('ocellus-'.length), seed, options.backbone);
  }
  const { seconds } = find(task.name, CLOCK, seed) ?? {};
  if (contender.startsWith('pytorch-scratch') && seconds === undefined) {
    throw new Error(`it gets as long as ${CLOCK} took, which isn't known yet`);
  }
  const epochs = Number(options.epochs);
  return await trainPeer(task, { contender, seed, backbone, family, epochs, seconds });
}

async function measure(name: string, contender: string, seed: number): Promise<void> {
  if (find(name, contender, seed)) return;
  const task = loadTask(name, seed);
  const busy = Number((await busyShare()).toFixed(2));
  const { scores, seconds, about } = await compete(task, contender, seed);
  const result: Result = {
    tag: tag!,
    task: name,
    contender,
    seed,
    macroF1: Number(macroF1(task, scores).toFixed(4)),
    logLoss: Number(logLoss(task, scores).toFixed(4)),
    seconds: Number(seconds.toFixed(1)),
    machine: machineName(),
    busy,
    about,
  };
  appendLine(out, result);
  console.log(
    `${name} ${contender} ${seed}: macro-F1 ${result.macroF1}, log loss ${result.logLoss}, ${result.seconds} s`,
  );
}

const tasks = options.tasks.split(',');
const seeds = [...new Set(tasks.flatMap(seedsOf))];
// Seeds outermost, so that every task has a figure early.
for (const seed of seeds) {
  for (const task of tasks.filter((each) => seedsOf(each).includes(seed))) {
    for (const contender of options.contenders.split(',')) {
      await measure(task, contender, seed).catch((error: Error) => {
        console.error(`${task} ${contender} ${seed}: ${error.message}`);
        process.exitCode = 1;
      });
    }
  }
}
