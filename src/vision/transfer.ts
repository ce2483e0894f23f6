import { join } from 'node:path';
import type { Backbone } from './backbone.ts';
import type { Budget } from './budget.ts';
import { calibrationErrorOf, fitTemperature, logLoss, type ScoredPictures } from './calibration.ts';
import { fineTuningGap } from './coverage.ts';
import { type Anatomy, after, type Cut, dissect } from './cut.ts';
import { runOnLooks } from './features.ts';
import type { Pictures } from './fit.ts';
import { foldBatchNorm } from './graph/fold.ts';
import { sizeOf } from './graph/graph.ts';
import type { OnnxModel } from './graph/onnx.ts';
import { weightNames } from './graph/trainable.ts';
import { fitHead, scoreHead, type TrainedHead, trainHead } from './head.ts';
import { type LabelledFeatures, SCORED } from './head-problem.ts';
import { holdOut } from './hold-out.ts';
import { withMirrorImages } from './mirror.ts';
import { upTo } from './needed.ts';
import { withOwnWeights } from './own-weights.ts';
import { makePlan, type Plan } from './plan.ts';
import type { Method, Trained } from './record.ts';
import { RowFile } from './rows.ts';
import { between, type Report, type Stage, type Tuning, trainStage, tryStage } from './stage.ts';
import { AUGMENT, RECIPE, withFreshHead, withHead } from './tuning.ts';
import type { RandomCrops, Views } from './views.ts';

/** Share of the progress that has passed when a stage ends. */
const ENDS = { features: 0.07, head: 0.1, trial: 0.33 };

/** The training's loss as a share of its trial's, which has fewer views and fewer pictures (docs/decisions.md). */
const PROMISE = 0.75;

/** A head with so small a loss of a picture, in cross-validation, leaves nothing to gain: hardly one in a hundred is wrong. */
const NOTHING_LEFT = 0.04;

/** For temporary files, and for what is kept until the training has ended: the next one goes on from there. */
export interface Folders {
  scratch: string;
  checkpoints?: string | undefined;
}

/**
 * Trains a classifier on a backbone: a linear head on frozen features, then, where the budget has it and the operator
 * table covers the backbone, the whole network, or what can be paid of it, which replaces the head only where it is better on
 * held-out pictures; a head that is hardly ever wrong is kept at once. Same pictures and seed: the same network.
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
  const ends = plan.tuning ? ENDS : { ...ENDS, features: 0.8, head: 1 };
  const features = await RowFile.create(join(scratch, 'features'), backbone.width);
  const last = plan.tuning?.last;
  const cut = last?.cached ? last.cut : undefined;
  const activations = cut && (await RowFile.create(join(scratch, 'activations'), sizeOf(cut.shape)));
  try {
    await compute(backbone, pictures, plan.features, seed, { features, cut, activations }, (fraction) =>
      onProgress({ stage: 'computing features', fraction: ends.features * fraction }),
    );
    const data: LabelledFeatures = { ...pictures, features, views: plan.features };
    onProgress({ stage: 'training the head', fraction: ends.features });
    const head = await trainHead(data, seed);
    const alone = withHead(backbone.model, head);
    // Where there is time for one look at each picture, its mirror image isn't looked at in prediction either.
    const network = plan.features < SCORED ? alone : withMirrorImages(alone, pictures.labelCount);
    const headOnly = { network, ...assess(head, pictures) };
    onProgress({ stage: 'training the head', fraction: ends.head, validationLoss: headOnly.losses.head });
    const held = holdOut(pictures.labels, seed);
    if (!anatomy || !plan.tuning || held.length === 0 || leavesNothing(headOnly.losses.head, pictures))
      return headOnly;

    const isHeld = new Set(held);
    const kept = pictures.labels.map((_, i) => i).filter((i) => !isHeld.has(i));
    const start = await fitHead(data, kept, head.regularization);
    const scored = {
      ...pictures,
      labels: held.map((i) => pictures.labels[i]!),
      logits: await scoreHead(start, data, held),
    };
    const headLoss = logLoss(scored, fitTemperature(scored));
    const begin = (): Stage => {
      const network = withOwnWeights(withFreshHead(backbone, pictures.labelCount));
      return last
        ? lastStages(network, pictures, plan, anatomy, backbone, activations)
        : wholeNetwork(network, pictures, plan, backbone);
    };
    const tuning = { backbone, pictures, held, kept, seed: seed + 1, checkpoints };
    return await fineTune(headOnly, headLoss, begin, tuning, onProgress);
  } finally {
    await features.remove();
    await activations?.remove();
  }
}

/** Undefined where the operator table doesn't cover the backbone. */
async function anatomyOf({ model, inputSize: side }: Backbone): Promise<Anatomy | undefined> {
  return await dissect(model, [RECIPE.batch, 3, side, side]).catch(() => undefined);
}

/** Where features and what lies at the cut are written, `[pictures · views, width]`: of each the whole picture, its mirror image, others. */
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
  const mirrored = views >= SCORED;
  const random = { count: views - (mirrored ? 2 : 1), seed, augment: AUGMENT };
  const looks = { pixels: pixels.source, records, side, normalization, mirrored, random };
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
    losses: { head: logLoss(scored, temperature) },
    calibrationError: calibrationErrorOf(scored, temperature),
  };
}

const cropsOf = (
  { pixels, records }: Pictures,
  { inputSize: side, normalization }: Backbone,
): RandomCrops => ({ pixels: pixels.source, records, side, normalization, augment: AUGMENT });

function wholeNetwork(network: OnnxModel, pictures: Pictures, { tuning }: Plan, backbone: Backbone): Stage {
  return {
    name: 'fine-tuning',
    method: 'whole network',
    network,
    part: network,
    frozen: new Set(),
    views: cropsOf(pictures, backbone),
    count: tuning!.views,
  };
}

/** What lies behind a cut; what lies before it is constant, and `activations` are what it gave. */
function lastStages(
  network: OnnxModel,
  pictures: Pictures,
  { tuning, features: each }: Plan,
  anatomy: Anatomy,
  backbone: Backbone,
  activations: RowFile | undefined,
): Stage {
  const { cut } = tuning!.last!;
  const records = pictures.records.map((_, i) => i);
  const views: Views = activations
    ? { rows: activations.source, records, each, shape: cut.shape }
    : cropsOf(pictures, backbone);
  return {
    name: 'fine-tuning the last stages',
    method: 'last stages',
    network,
    part: activations ? after(network, cut, anatomy) : network,
    frozen: weightNames(upTo(cut.name, backbone.model)),
    views,
    count: tuning!.views,
  };
}

/** Whether a head is so good that fine-tuning would be in vain; `loss` is a mean per label where they aren't exclusive. */
export function leavesNothing(
  loss: number,
  { exclusive, labelCount }: Pick<Pictures, 'exclusive' | 'labelCount'>,
): boolean {
  return loss * (exclusive ? 1 : labelCount) < NOTHING_LEFT;
}

/** Whether the training that follows a trial will be better than the head, by the mean losses of both on the same held-out pictures. */
export function isPromising(trial: number, head: number): boolean {
  return PROMISE * trial < head;
}

/**
 * Tries a stage on what isn't held out, and where that promises to be better than the head, trains it from its beginning on all pictures: one that
 * goes on from the trial learns the pictures that were held out less well (docs/decisions.md). `headLoss` is that of the head on the
 * held-out pictures by one that has not seen them. `begin` makes the stage, each time with weights of its own.
 */
async function fineTune(
  head: Trained,
  headLoss: number,
  begin: () => Stage,
  tuning: Tuning,
  onProgress: Report,
): Promise<Trained> {
  const trial = begin();
  const tried = await tryStage(trial, tuning, between(ENDS.head, ENDS.trial, onProgress));
  if (!tried) return { ...head, losses: { head: headLoss } };
  const { scored, loss } = tried;
  const { name, method } = trial;
  onProgress({ stage: name, fraction: ENDS.trial, validationLoss: loss });
  const losses = { head: headLoss, [method]: loss };
  if (!isPromising(loss, headLoss)) return { ...head, losses };
  const temperature = fitTemperature(scored);
  const calibrationError = calibrationErrorOf(scored, temperature);
  const stage = begin();
  const trained = await trainStage(stage, tuning, between(ENDS.trial, 1, onProgress));
  const network = withMirrorImages((trained ? stage : trial).network, tuning.pictures.labelCount);
  return { network, temperature, method, losses, calibrationError };
}
