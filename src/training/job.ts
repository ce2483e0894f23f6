import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackboneError } from '../backbones/error.ts';
import { Backbones } from '../backbones/library.ts';
import { ManifestError } from '../manifest/codes.ts';
import { ObjectError, type ObjectStore } from '../objects/objects.ts';
import type { TrainingProgress } from '../vision/classifier.ts';
import { TrainingError } from '../vision/error.ts';
import { ImageError } from '../vision/image.ts';
import { withThresholds } from '../vision/model.ts';
import { classification } from './classification.ts';
import * as data from './data.ts';
import { detection } from './detection.ts';
import { type Evaluation, evaluationSummary } from './evaluate.ts';
import { checkImages } from './images.ts';
import { type ManifestSet, readManifest, validationManifest } from './manifest-set.ts';
import type { TrainingJob, TrainingOutcome, ValidationFiles } from './outcome.ts';
import { MODEL_FILE, publishModel } from './publish.ts';
import { type ResultFiles, resultFiles, writeJson, writeLines, writeResult } from './results.ts';
import type { TrainedModel } from './trained.ts';

/** Share of the whole job that is done when a stage begins. */
const BEGIN = { reading: 0, checking: 0.02, training: 0.12, evaluating: 0.93, writing: 0.98, end: 1 };

/** Folder in the job's: what a training that is cut short has learnt so far. */
const CHECKPOINTS = 'checkpoints';

type Report = (progress: TrainingProgress) => void;

/**
 * One training job from the manifests to the model file: reads and checks the data, trains, evaluates, writes the
 * result files into the output bucket and `model.onnx` into the job's folder, which is not there unless the training
 * completed. What the data, the buckets or the disk are to blame for is an outcome; anything else is thrown.
 * A job may be run again after a crash at any moment, and goes on where an optimisation was cut short.
 */
export async function runTrainingJob(
  job: TrainingJob,
  objects: ObjectStore,
  onProgress: Report = () => {},
): Promise<TrainingOutcome> {
  const outcome = await attempt(job, objects, onProgress);
  // Not where an attempt throws or is killed: the next one goes on from there.
  await rm(join(job.directory, CHECKPOINTS), { recursive: true, force: true });
  return outcome;
}

async function attempt(job: TrainingJob, objects: ObjectStore, onProgress: Report): Promise<TrainingOutcome> {
  const begun = Date.now();
  const notes: string[] = [];
  const report = neverBack((progress) => {
    if (progress.note !== undefined) notes.push(progress.note);
    onProgress(progress);
  });
  const files = resultFiles(job);
  const scratch = join(job.directory, 'scratch');
  let validation: ValidationFiles | undefined;
  try {
    await rm(scratch, { recursive: true, force: true });
    await rm(join(job.directory, MODEL_FILE), { force: true });
    await mkdir(scratch);

    report({ stage: 'reading manifests', fraction: BEGIN.reading });
    const given = await readManifests(job, objects, scratch);
    await checkOutput(given, objects, files);
    const checked = await checkData(given, job.seed, objects, report);
    validation = await writeValidation(checked, objects, files);

    const [error] = data.contentErrors(checked);
    if (error) return { status: 'TRAINING_FAILED', message: error.message, validation };
    for (const note of data.remarks(checked)) report({ stage: 'training', fraction: BEGIN.training, note });

    const backbone = job.backbone && (await new Backbones(job.backbone.root).open(job.backbone));
    const checkpoints = join(job.directory, CHECKPOINTS);
    await mkdir(checkpoints, { recursive: true });
    const train = checked.useCase === 'OBJECT_LOCALIZATION' ? detection : classification;
    const trained = await train(checked, {
      objects,
      seed: job.seed,
      budget: job.budget,
      backbone,
      scratch,
      checkpoints,
      onTraining: (progress) => report(within('training', 'evaluating', progress)),
      onEvaluation: (fraction) => report(within('evaluating', 'writing', { stage: 'evaluating', fraction })),
    });
    const { evaluation, untuned } = trained;

    report({ stage: 'writing results', fraction: BEGIN.writing });
    await writeEvaluation(job, trained, objects, files);
    const thresholds = evaluation.labels.map(({ threshold }) => threshold);
    await publishModel(job.directory, withThresholds(untuned, thresholds));
    report({ stage: 'done', fraction: BEGIN.end });
    return { ...completed(files, validation, evaluation, begun), ...(notes.length > 0 && { notes }) };
  } catch (error) {
    return { status: 'TRAINING_FAILED', message: blame(error), ...(validation && { validation }) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The manifests as given; no test set means that one is split off. */
interface GivenSets {
  training: ManifestSet;
  testing?: ManifestSet;
}

async function readManifests(job: TrainingJob, objects: ObjectStore, scratch: string): Promise<GivenSets> {
  const training = await readManifest(objects, job.training, join(scratch, 'training.manifest'));
  if (!job.testing) return { training };
  return { training, testing: await readManifest(objects, job.testing, join(scratch, 'testing.manifest')) };
}

/** Tries the output place with a summary of what is known so far, before time is spent on images. */
async function checkOutput(given: GivenSets, objects: ObjectStore, files: ResultFiles): Promise<void> {
  const { training, testing = data.emptySet(training) } = given;
  const summary = data.manifestSummary({ useCase: 'NOT_DETERMINED', training, testing, errors: [] });
  await writeJson(objects, files.manifestSummary, summary);
}

/** Buckets come before images: when one can't be read at all, that is the error, and not each image of it. */
async function checkData(
  { training, testing }: GivenSets,
  seed: number,
  objects: ObjectStore,
  report: Report,
): Promise<data.TrainingData> {
  const sets = testing ? [training, testing] : [training];
  const toOpen: ManifestSet[] = [];
  for (const set of sets) if (await data.checkBuckets(set, objects)) toOpen.push(set);

  const total = toOpen.flatMap((set) => set.lines).filter((line) => line.state === 'valid').length;
  let done = 0;
  for (const set of toOpen) {
    await checkImages(set, objects, () => {
      done++;
      const stage = 'checking images';
      report(within('checking', 'training', { stage, fraction: done / total }));
    });
  }
  for (const set of sets) data.checkInvalidShare(set);
  return data.arrange(training, testing, seed);
}

async function writeValidation(
  checked: data.TrainingData,
  objects: ObjectStore,
  files: ResultFiles,
): Promise<ValidationFiles> {
  const { manifestSummary, trainingValidation, testingValidation } = files;
  await writeResult(objects, trainingValidation, validationManifest(checked.training));
  await writeResult(objects, testingValidation, validationManifest(checked.testing));
  await writeJson(objects, manifestSummary, data.manifestSummary(checked));
  return { manifestSummary, trainingValidation, testingValidation };
}

async function writeEvaluation(
  job: TrainingJob,
  trained: TrainedModel,
  objects: ObjectStore,
  files: ResultFiles,
): Promise<void> {
  const endedAt = new Date();
  const { trainingImages, testImages } = trained;
  await writeLines(objects, files.trainingOutput, trained.trainingLines(endedAt));
  await writeLines(objects, files.testingOutput, trained.testingLines(endedAt));
  const { projectVersionArn } = job;
  const details = { projectVersionArn, endedAt, trainingImages, testImages };
  await writeJson(objects, files.evaluationSummary, evaluationSummary(trained.evaluation, details));
}

function completed(
  files: ResultFiles,
  validation: ValidationFiles,
  evaluation: Evaluation,
  begun: number,
): TrainingOutcome {
  return {
    status: 'TRAINING_COMPLETED',
    f1Score: evaluation.f1,
    billableSeconds: Math.max(1, Math.round((Date.now() - begun) / 1000)),
    evaluationSummary: files.evaluationSummary,
    trainingOutput: files.trainingOutput,
    testingOutput: files.testingOutput,
    validation,
  };
}

/** What ONNX Runtime and V8 say. */
const OUT_OF_MEMORY = /bad.?alloc|failed to allocate memory|array buffer allocation failed/i;

/** The message for users; throws errors that neither data, buckets nor disk are to blame for. */
function blame(error: unknown): string {
  if (error instanceof ManifestError || error instanceof BackboneError || error instanceof TrainingError) {
    return error.message;
  }
  if (error instanceof ImageError) return `An image broke during the training. ${error.message}`;
  if (error instanceof ObjectError && error.reason !== 'io') {
    return `An image could no longer be read during the training. ${error.message}`;
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (OUT_OF_MEMORY.test(message)) return 'The server has too little memory for this training.';
  if (code === 'ENOSPC' || code === 'EDQUOT') return "The disk of the server's data directory is full.";
  throw error;
}

/** Progress of a stage as progress of the job. */
function within(
  stage: keyof typeof BEGIN,
  next: keyof typeof BEGIN,
  progress: TrainingProgress,
): TrainingProgress {
  return { ...progress, fraction: BEGIN[stage] + progress.fraction * (BEGIN[next] - BEGIN[stage]) };
}

/** Keeps the fraction from going down. */
function neverBack(onProgress: Report): Report {
  let furthest = 0;
  return (progress) => {
    furthest = Math.max(furthest, progress.fraction);
    onProgress({ ...progress, fraction: furthest });
  };
}
