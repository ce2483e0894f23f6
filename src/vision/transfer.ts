import { join } from 'node:path';
import type { Backbone } from './backbone.ts';
import type { Budget } from './budget.ts';
import {
  calibrationErrorOf,
  fitTemperature,
  isBetter,
  logLosses,
  mean,
  type ScoredPictures,
} from './calibration.ts';
import type { TrainingProgress } from './classifier.ts';
import { fineTuningGap } from './coverage.ts';
import { type Anatomy, after, type Cut, dissect } from './cut.ts';
import { findFineMap } from './feature-maps.ts';
import { runOnLooks } from './features.ts';
import type { Pictures } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import { sizeOf } from './graph/graph.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';
import { fitHead, scoreHead, type TrainedHead, trainHead } from './head.ts';
import type { LabelledFeatures } from './head-problem.ts';
import { holdOut } from './hold-out.ts';
import { upTo } from './needed.ts';
import { withOwnWeights } from './own-weights.ts';
import { makePlan, type Plan } from './plan.ts';
import type { Method, Trained } from './record.ts';
import { RowFile } from './rows.ts';
import { finishStage, type Stage, type Tuning, tryStage } from './stage.ts';
import { AUGMENT, RECIPE, withHead } from './tuning.ts';
import type { Views } from './views.ts';

/** Share of the progress that has passed when a stage ends. */
const ENDS = { features: 0.2, head: 0.25, last: 0.32, whole: 0.75 };

/** The finest maps are kept in fine-tuning where at least this share of the work lies behind them. */
const MOST = 0.5;

/** For temporary files, and for what is kept until the training has ended: the next one goes on from there. */
export interface Folders {
  scratch: string;
  checkpoints?: string | undefined;
}

type Report = (progress: TrainingProgress) => void;

/**
 * Trains a classifier on a backbone: a linear head on frozen features, then, where the budget has it and the operator
 * table covers the backbone, the last stages of the network behind what stays frozen, then all of it. Each step goes on
 * from the one before, and replaces it only where it is better on held-out pictures. Same pictures and seed: the same
 * network.
 */
export async function transfer(
  backbone: Backbone,
  pictures: Pictures,
  budget: Budget,
  seed: number,
  { scratch, checkpoints }: Folders,
  onProgress: Report,
): Promise<Trained> {
  const gap = budget === 'fast' ? undefined : await fineTuningGap(backbone);
  const note = gap && `The backbone ${backbone.name} stays frozen. ${gap}`;
  onProgress({ stage: 'computing features', fraction: 0, note });
  const anatomy = await anatomyOf(backbone);
  const plan = makePlan(gap === undefined ? budget : 'fast', pictures.records.length, anatomy);
  const tuned = plan.last !== undefined || plan.whole !== undefined;
  const ends = tuned ? ENDS : { ...ENDS, features: 0.8, head: 1 };
  const features = await RowFile.create(join(scratch, 'features'), backbone.width);
  const cut = plan.last?.cached ? plan.last.cut : undefined;
  const activations = cut && (await RowFile.create(join(scratch, 'activations'), sizeOf(cut.shape)));
  try {
    await compute(backbone, pictures, plan.features, seed, { features, cut, activations }, (fraction) =>
      onProgress({ stage: 'computing features', fraction: ends.features * fraction }),
    );
    const data: LabelledFeatures = { ...pictures, features, views: plan.features };
    onProgress({ stage: 'training the head', fraction: ends.features });
    const head = await trainHead(data, seed);
    const headOnly = { network: withHead(backbone.model, head), ...assess(head, pictures) };
    onProgress({ stage: 'training the head', fraction: ends.head, validationLoss: headOnly.losses.head });
    const held = holdOut(pictures.labels, seed);
    if (!anatomy || !tuned || held.length === 0) return headOnly;

    const isHeld = new Set(held);
    const kept = pictures.labels.map((_, i) => i).filter((i) => !isHeld.has(i));
    const start = await fitHead(data, kept, head.regularization);
    const scored = {
      ...pictures,
      labels: held.map((i) => pictures.labels[i]!),
      logits: await scoreHead(start, data, held),
    };
    const network = withHead(backbone.model, start);
    const tuning = { backbone, pictures, held, seed: seed + 1, checkpoints };
    const losses = logLosses(scored, fitTemperature(scored));
    return await fineTune(headOnly, { network, losses }, tuning, plan, anatomy, activations, onProgress);
  } finally {
    await features.remove();
    await activations?.remove();
  }
}

/** Undefined where the operator table doesn't cover the backbone. */
async function anatomyOf({ model, inputSize: side }: Backbone): Promise<Anatomy | undefined> {
  try {
    const anatomy = await dissect(model, [RECIPE.batch, 3, side, side]);
    const fine = await findFineMap(model);
    const isFine = ({ name, workAfter }: Cut) => name === fine && workAfter >= MOST * anatomy.work;
    return { ...anatomy, fine: anatomy.cuts.find(isFine) };
  } catch {
    return undefined;
  }
}

/** Where features and what lies at the cut are written, `[pictures · views, width]`, the whole picture first of each. */
interface Targets {
  features: RowFile;
  cut: Cut | undefined;
  activations: RowFile | undefined;
}

async function compute(
  { model, inputSize: side, normalization }: Backbone,
  { pixels, records }: Pictures,
  views: number,
  seed: number,
  { features, cut, activations }: Targets,
  onProgress: (fraction: number) => void,
): Promise<void> {
  const random = { count: views - 1, seed, augment: AUGMENT };
  const looks = { pixels: pixels.source, records, side, normalization, random };
  const outputs = cut ? [...model.outputs, { name: cut.name }] : model.outputs;
  const take = async (from: number, results: Record<string, Float32Array>) => {
    await features.write(from, results.features!);
    if (cut) await activations!.write(from, results[cut.name]!);
  };
  await runOnLooks(foldBatchNorm({ ...model, outputs }), looks, take, onProgress);
}

/** What cross-validation says of a head. */
function assess({ validation }: TrainedHead, { labels, labelCount, exclusive }: Pictures) {
  const scored: ScoredPictures = {
    logits: validation.logits,
    labels: validation.pictures.map((i) => labels[i]!),
    labelCount,
    exclusive,
  };
  const temperature = fitTemperature(scored);
  return {
    method: 'head' as Method,
    temperature,
    losses: { head: mean(logLosses(scored, temperature)) },
    calibrationError: calibrationErrorOf(scored, temperature),
  };
}

/** The stages after the head. `start` has not seen the held-out pictures, on which its losses are given. */
async function fineTune(
  headOnly: Trained,
  start: { network: OnnxModel; losses: readonly number[] },
  tuning: Tuning,
  plan: Plan,
  anatomy: Anatomy,
  activations: RowFile | undefined,
  onProgress: Report,
): Promise<Trained> {
  let best: Trained = { ...headOnly, losses: { head: mean(start.losses) } };
  let latest = start;
  const { backbone, pictures } = tuning;
  const { pixels, records } = pictures;
  const { inputSize: side, normalization } = backbone;
  const random: Views = {
    pixels: pixels.source,
    records,
    side,
    normalization,
    augment: AUGMENT,
  };
  let winner: ((network: OnnxModel) => Stage) | undefined;
  const run = async (method: Method, from: number, to: number, makeStage: (network: OnnxModel) => Stage) => {
    const stage = makeStage(withOwnWeights(latest.network));
    const tried = await tryStage(stage, tuning, (progress) =>
      onProgress({ ...progress, fraction: from + progress.fraction * (to - from) }),
    );
    if (!tried) return;
    const { scored, losses } = tried;
    onProgress({ stage: stage.name, fraction: to, validationLoss: mean(losses) });
    best = { ...best, losses: { ...best.losses, [method]: mean(losses) } };
    if (!isBetter(losses, latest.losses)) return;
    const temperature = fitTemperature(scored);
    const calibrationError = calibrationErrorOf(scored, temperature);
    best = { ...best, network: stage.network, temperature, method, calibrationError };
    latest = { network: stage.network, losses };
    winner = makeStage;
  };

  if (plan.last) {
    const { cut, cached, views: count } = plan.last;
    const places = records.map((_, i) => i);
    const rows = activations?.source;
    const stored = rows && { rows, records: places, each: plan.features, shape: cut.shape };
    const frozen = weightNames(upTo(cut.name, backbone.model));
    await run('last stages', ENDS.head, ENDS.last, (network) => ({
      name: 'fine-tuning the last stages',
      network,
      part: cached ? after(network, cut, anatomy) : network,
      frozen,
      views: stored ?? random,
      count,
    }));
  }
  if (plan.whole) {
    const { views: count } = plan.whole;
    const frozen = anatomy.fine ? weightNames(upTo(anatomy.fine.name, backbone.model)) : new Set<string>();
    await run('whole network', plan.last ? ENDS.last : ENDS.head, ENDS.whole, (network) => ({
      name: 'fine-tuning',
      network,
      part: network,
      frozen,
      views: random,
      count,
    }));
  }
  if (!winner) return best;
  const stage = winner(withOwnWeights(best.network));
  const finished = await finishStage(stage, tuning, (progress) =>
    onProgress({ ...progress, fraction: ENDS.whole + progress.fraction * (1 - ENDS.whole) }),
  );
  return finished ? { ...best, network: stage.network } : best;
}
