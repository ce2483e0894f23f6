import type { ObjectStore } from '../objects/objects.ts';
import { objectUrl } from '../objects/objects.ts';
import type { Detection, LabelledBox } from '../vision/boxes.ts';
import type { ExaminedPicture } from '../vision/detection-metrics.ts';
import { type DetectorSample, trainDetector } from '../vision/detector.ts';
import { loadDetector } from '../vision/model.ts';
import { type AnnotatedImage, annotatedImages } from './annotated.ts';
import type { TrainingData } from './data.ts';
import { BoxSnapshots } from './detection-snapshots.ts';
import { roundConfidence } from './evaluate.ts';
import { evaluateDetection } from './evaluate-detection.ts';
import { readAhead, refuse } from './images.ts';
import { labelSet } from './labels.ts';
import type { ManifestSet, SetLine } from './manifest-set.ts';
import { inParallel } from './parallel.ts';
import { lookAt, type TrainedModel, type TrainingContext } from './trained.ts';
import { turnUpright } from './upright.ts';

/** Detections that are evaluated of an image, the best ones: memory is bounded also when there are many labels. */
const DETECTIONS_PER_IMAGE = 1000;

/** Trains and evaluates a model that finds objects. Its labels are those of the boxes of the training set. */
export async function detection(data: TrainingData, context: TrainingContext): Promise<TrainedModel> {
  const labels = labelSet(data.training.lines, 'OBJECT_LOCALIZATION');
  const note = (text: string) => context.onTraining({ stage: 'training', fraction: 0, note: text });
  const annotated = async (set: ManifestSet) =>
    await turnUpright(await annotatedImages(set), context.objects, note);
  let training = await annotated(data.training);
  const given = await annotated(data.testing);
  const negatives = await imagesWithoutObjects(data.training.lines, training, context);

  const { seed, budget, backbone, scratch, checkpoints, objects, onTraining: onProgress } = context;
  const samples = toSamples([...training, ...negatives], labels, objects);
  const untuned = await trainDetector({
    labels,
    training: samples,
    seed,
    budget,
    backbone,
    scratch,
    checkpoints,
    onProgress,
    onOmitted: (places) => {
      const omitted = new Set(places);
      training = training.filter((_, i) => !omitted.has(i));
    },
  });

  const unseen = toSamples(given, labels, objects);
  const seen = await detectObjects(untuned, unseen, context);
  const testing = given.filter((_, i) => seen[i]);
  const pictures = unseen.flatMap(({ boxes: truth }, i): ExaminedPicture[] => {
    const detections = seen[i];
    return detections ? [{ truth, detections }] : [];
  });
  const evaluation = evaluateDetection(labels, pictures);
  return {
    untuned,
    evaluation,
    trainingImages: training.length,
    testImages: testing.length,
    *trainingLines(date) {
      const snapshots = new BoxSnapshots(evaluation.labels, date);
      for (const image of training) yield snapshots.trainingLine(image);
    },
    *testingLines(date) {
      const snapshots = new BoxSnapshots(evaluation.labels, date);
      for (const [i, image] of testing.entries()) yield snapshots.testingLine(image, pictures[i]!);
    },
  };
}

/**
 * Images in which a person found nothing to draw a box around. Their lines are ignored where lines are counted, but the
 * images teach what isn't an object. Those that can't be opened, or that another line has objects for, are left out.
 */
async function imagesWithoutObjects(
  lines: SetLine[],
  used: AnnotatedImage[],
  { objects, onTraining }: TrainingContext,
): Promise<Pick<AnnotatedImage, 'url' | 'place' | 'boxes'>[]> {
  const urls = new Set(used.map(({ url }) => url));
  const candidates = lines.filter(({ state, withoutObjects, image }) => {
    return withoutObjects && state !== 'invalid' && !urls.has(objectUrl(image!));
  });
  const once = [...new Map(candidates.map((line) => [objectUrl(line.image!), line])).values()];
  const broken = new Set<SetLine>();
  await inParallel(once, objects.parallelReads, async (line) => {
    if (await refuse(line, objects)) broken.add(line);
  });
  const usable = once.filter((line) => !broken.has(line));
  const note = (text: string) => onTraining({ stage: 'training', fraction: 0, note: text });
  if (usable.length > 0) {
    note(`Images without boxes (${usable.length}) were used, too: they show what isn't an object.`);
  }
  if (broken.size > 0) {
    note(`Images without boxes that could not be opened (${broken.size}) were left out.`);
  }
  return usable.map((line) => ({ url: objectUrl(line.image!), place: line.image!, boxes: [] }));
}

/** The images as the trainer takes them: read when needed, labels as numbers. Labels unknown to the model are left out. */
function toSamples(
  images: Pick<AnnotatedImage, 'url' | 'place' | 'boxes'>[],
  labels: string[],
  objects: ObjectStore,
): DetectorSample[] {
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const read = readAhead(
    images.map((image) => image.place),
    objects,
  );
  return images.map(({ url, boxes }, index) => ({
    id: url,
    boxes: boxes.flatMap(({ label, ...box }): LabelledBox[] => {
      const number = numbers.get(label);
      return number === undefined ? [] : [{ ...box, label: number }];
    }),
    load: () => read(index),
  }));
}

/** What a model file finds on each image, the best first, confidences rounded as the result files have them. */
async function detectObjects(
  modelFile: Uint8Array,
  samples: DetectorSample[],
  context: TrainingContext,
): Promise<(Detection[] | undefined)[]> {
  const model = await loadDetector(modelFile);
  const best = (found: Detection[]) =>
    found.slice(0, DETECTIONS_PER_IMAGE).map((each) => ({ ...each, score: roundConfidence(each.score) }));
  try {
    return await lookAt(samples, async (images) => (await model.detect(images)).map(best), context);
  } finally {
    await model.close();
  }
}
