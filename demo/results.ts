import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Object } from '@aws-sdk/client-rekognition';

/** The parts of an evaluation summary file that the demo prints. */
export interface EvaluationSummary {
  AggregatedEvaluationResults: {
    Precision: number;
    Recall: number;
    F1Score: number;
    ConfusionMatrix?: { GroundTruthLabel: string; PredictedLabel: string; Value: number }[];
  };
  LabelEvaluationResults: {
    Label: string;
    NumberOfTestingImages: number;
    Metrics: { Precision: number; Recall: number; F1Score: number; Threshold: number };
  }[];
}

/** A test image with the label it has and the one that the model gives it. */
export interface TestResult {
  bucket: string;
  key: string;
  truth: string;
  predicted: string;
  /** 0–1. */
  confidence: number;
}

const read = (buckets: string, { Bucket, Name }: S3Object) => readFile(join(buckets, Bucket!, Name!), 'utf8');

export async function readSummary(buckets: string, place: S3Object): Promise<EvaluationSummary> {
  return JSON.parse(await read(buckets, place));
}

/** Reads the snapshot of the test set: of each image its label and its most confident prediction. */
export async function readTestResults(buckets: string, place: S3Object): Promise<TestResult[]> {
  const lines = (await read(buckets, place)).trimEnd().split('\n');
  return lines.map((line) => testResult(JSON.parse(line)));
}

type Metadata = { 'class-name': string; confidence: number };

function testResult(line: Record<string, unknown>): TestResult {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(line['source-ref'] as string)!;
  const metadata = (prefix: string) =>
    Object.keys(line)
      .filter((name) => name.startsWith(prefix) && name.endsWith('-metadata'))
      .map((name) => line[name] as Metadata);
  const [truth] = metadata('rekognition-custom-labels-training-');
  const predictions = metadata('rekognition-custom-labels-evaluation-');
  const best = predictions.reduce<Metadata | undefined>(
    (top, next) => (top && top.confidence >= next.confidence ? top : next),
    undefined,
  );
  return {
    bucket: bucket!,
    key: key!,
    truth: truth!['class-name'],
    predicted: best?.['class-name'] ?? 'nothing',
    confidence: best?.confidence ?? 0,
  };
}

/**
 * The mean F1 of a model that looks at nothing and gives every image every label: the best that guessing can
 * do when the thresholds are set with the test set in view.
 */
export function f1OfGuessing({ LabelEvaluationResults: labels }: EvaluationSummary): number {
  const total = labels.reduce((sum, { NumberOfTestingImages }) => sum + NumberOfTestingImages, 0);
  const f1 = labels.map(({ NumberOfTestingImages: n }) => (2 * n) / (total + n));
  return f1.reduce((sum, value) => sum + value, 0) / f1.length;
}
