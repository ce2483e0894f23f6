import type { ObjectStore } from '../objects/objects.ts';
import { ObjectError } from '../objects/objects.ts';
import type { ObjectSettings } from '../objects/open.ts';
import { withBuckets } from './buckets.ts';
import { CliError } from './command.ts';
import type { Version } from './names.ts';
import { formatTable } from './table.ts';

const MAXIMUM_BYTES = 64 * 1024 ** 2;

/** The parts of an evaluation summary file that are shown. */
interface Summary {
  EvaluationDetails: { NumberOfTrainingImages: number; NumberOfTestingImages: number };
  AggregatedEvaluationResults: {
    Precision: number;
    Recall: number;
    F1Score: number;
    /** Of detectors. */
    AveragePrecision?: number;
    AverageRecall?: number;
  };
  LabelEvaluationResults: {
    Label: string;
    NumberOfTestingImages: number;
    Metrics: { Precision: number; Recall: number; F1Score: number; Threshold: number };
  }[];
}

/** How good a version is, label by label, where its evaluation summary can be read; else how good it is, in a line. */
export async function describeEvaluation(
  { EvaluationResult: result }: Version,
  settings: ObjectSettings,
): Promise<string> {
  const { Bucket: bucket, Name: key } = result?.Summary?.S3Object ?? {};
  if (!bucket || !key) return 'It was not evaluated.';
  const f1 = `Mean F1 ${result!.F1Score!.toFixed(3)}`;
  try {
    const summary = await withBuckets(settings, (objects) => read(objects, { bucket, key }));
    return table(summary);
  } catch (error) {
    if (!(error instanceof ObjectError || error instanceof CliError)) throw error;
    return `${f1}. The evaluation of each label can't be read: ${error.message}`;
  }
}

async function read(objects: ObjectStore, place: { bucket: string; key: string }): Promise<Summary> {
  return JSON.parse((await objects.read(place, MAXIMUM_BYTES)).toString());
}

function table(summary: Summary): string {
  const { NumberOfTrainingImages: training, NumberOfTestingImages: testing } = summary.EvaluationDetails;
  const { Precision, Recall, F1Score, ...ofObjects } = summary.AggregatedEvaluationResults;
  const figures = (...values: number[]) => values.map((value) => value.toFixed(3));
  const rows = summary.LabelEvaluationResults.map(({ Label, NumberOfTestingImages, Metrics }) => [
    Label,
    String(NumberOfTestingImages),
    ...figures(Metrics.Precision, Metrics.Recall, Metrics.F1Score, Metrics.Threshold),
  ]);
  const head = ['label', 'test images', 'precision', 'recall', 'F1', 'threshold'];
  const mean = ['(mean)', String(testing), ...figures(Precision, Recall, F1Score), ''];
  const lines = `Trained on ${training} images, tested on ${testing} others:\n\n${formatTable([head, ...rows, mean])}`;
  return lines + describeObjects(ofObjects);
}

function describeObjects({ AveragePrecision, AverageRecall }: Partial<Record<string, number>>): string {
  if (AveragePrecision === undefined || AverageRecall === undefined) return '';
  return (
    '\n\nObjects count, not images: one is found when a box of its label overlaps it by half (IoU 0.5).\n' +
    `Mean average precision ${AveragePrecision.toFixed(3)}, mean of the highest recalls ${AverageRecall.toFixed(3)}.`
  );
}
