import { type ObjectRef, type ObjectStore, objectUrl } from '../objects/objects.ts';
import { type Sample, trainClassifier } from '../vision/classifier.ts';
import { loadClassifier } from '../vision/model.ts';
import type { TrainingData } from './data.ts';
import { evaluate, roundConfidence } from './evaluate.ts';
import { readAhead } from './images.ts';
import { labelSet, usableLines } from './labels.ts';
import type { SetLine } from './manifest-set.ts';
import { testingLine, trainingLine } from './snapshots.ts';
import { lookAt, type TrainedModel, type TrainingContext } from './trained.ts';

/** One image that is used, with its labels by name. */
interface LabelledImage {
  /** `s3://bucket/key`. */
  url: string;
  labels: string[];
  place: ObjectRef;
}

/**
 * Trains and evaluates a model of image-level labels. Its labels are those of the training set, exclusive when every
 * training image has exactly one.
 */
export async function classification(data: TrainingData, context: TrainingContext): Promise<TrainedModel> {
  const labels = labelSet(data.training.lines, 'IMAGE_LEVEL_LABELS');
  let training = toImages(data.training.lines);
  let testing = toImages(data.testing.lines);
  const exclusive = training.every((image) => image.labels.length === 1);

  const { seed, budget, backbone, scratch, checkpoints, objects, onTraining: onProgress } = context;
  const samples = toSamples(training, labels, objects);
  const options = {
    labels,
    exclusive,
    training: samples,
    seed,
    budget,
    backbone,
    scratch,
    checkpoints,
    onProgress,
  };
  const onOmitted = (places: number[]) => {
    const omitted = new Set(places);
    training = training.filter((_, i) => !omitted.has(i));
  };
  const untuned = await trainClassifier({ ...options, onOmitted });

  const unseen = toSamples(testing, labels, objects);
  const seen = await scoreImages(untuned, unseen, context);
  testing = testing.filter((_, i) => seen[i]);
  const scores = seen.filter((each) => each !== undefined);
  const truth = unseen.flatMap((image, i) => (seen[i] ? [image.labels] : []));
  const evaluation = evaluate(labels, exclusive, scores, truth);
  return {
    untuned,
    evaluation,
    trainingImages: training.length,
    testImages: testing.length,
    *trainingLines(date) {
      for (const image of training) yield trainingLine(image.url, image.labels, date);
    },
    *testingLines(date) {
      for (const [i, image] of testing.entries()) {
        yield testingLine(image.url, image.labels, evaluation.labels, scores[i]!, date);
      }
    },
  };
}

function toImages(lines: SetLine[]): LabelledImage[] {
  return usableLines(lines, 'IMAGE_LEVEL_LABELS').map(({ image, labels }) => {
    return { url: objectUrl(image!), labels, place: image! };
  });
}

/** The images as the trainer takes them: read when needed, labels as numbers. Labels unknown to the model are left out. */
function toSamples(images: LabelledImage[], labels: string[], objects: ObjectStore): Sample[] {
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const read = readAhead(
    images.map((image) => image.place),
    objects,
  );
  return images.map((image, index) => ({
    id: image.url,
    labels: image.labels.flatMap((label) => numbers.get(label) ?? []),
    load: () => read(index),
  }));
}

/** Confidences `[images][labels]` of a model file, rounded as the result files have them; of images as {@link lookAt} does. */
async function scoreImages(
  modelFile: Uint8Array,
  samples: Sample[],
  context: TrainingContext,
): Promise<(number[] | undefined)[]> {
  const model = await loadClassifier(modelFile);
  try {
    const scores = await lookAt(samples, (images) => model.predict(images), context);
    return scores.map((ofLabels) => ofLabels && Array.from(ofLabels, roundConfidence));
  } finally {
    await model.close();
  }
}
