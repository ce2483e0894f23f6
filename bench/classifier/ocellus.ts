import { copyFile, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateProjectCommand,
  CreateProjectVersionCommand,
  DescribeProjectVersionsCommand,
  DetectCustomLabelsCommand,
  RekognitionClient,
  StartProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import { readConfig } from '../../src/config.ts';
import { startServer } from '../../src/server.ts';
import { readMetadata } from '../../src/vision/graph/onnx.ts';
import type { Picture, Task } from './tasks.ts';

/** What a contender gives. */
export interface Outcome {
  /** Of every test image, 0–1, `[images][labels]`. */
  scores: number[][];
  seconds: number;
  about?: object;
}

const KEYS = { accessKeyId: 'AKIABENCH', secretAccessKey: 'secret-of-the-bench' };
const BUCKET = 'pictures';

/**
 * Trains a project version through the API of a server of its own and asks it about every test image. The time runs from
 * CreateProjectVersion until TRAINING_COMPLETED is seen, with all that a training does: checks, evaluation, results.
 */
export async function trainOcellus(
  task: Task,
  budget: string,
  seed: number,
  backbone: string | undefined,
): Promise<Outcome> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ocellus-bench-'));
  const folder = directory.path;
  const config = readConfig({
    OCELLUS_PORT: '0',
    OCELLUS_DATA_DIR: folder,
    OCELLUS_ACCESS_KEY_ID: KEYS.accessKeyId,
    OCELLUS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    OCELLUS_BUDGET: budget,
    OCELLUS_SEED: String(seed),
    OCELLUS_BACKBONE: backbone,
  });
  await fillBucket(join(folder, 'buckets', BUCKET), task);
  const server = await startServer(config);
  const client = new RekognitionClient({ endpoint: server.url, region: 'us-east-1', credentials: KEYS });
  try {
    const { arn, seconds } = await train(client);
    const scores = await predict(client, arn, task);
    return { scores, seconds, about: await aboutModel(folder) };
  } finally {
    client.destroy();
    await server.close();
  }
}

async function fillBucket(bucket: string, { set, training, testing }: Task): Promise<void> {
  await mkdir(bucket, { recursive: true });
  const put = async (name: string, pictures: Picture[]) => {
    for (const { file } of pictures) await copyFile(file, join(bucket, basename(file)));
    const lines = pictures.map(({ line }) => line.replace(`s3://${set}/images/`, `s3://${BUCKET}/`));
    await writeFile(join(bucket, `${name}.manifest`), `${lines.join('\n')}\n`);
  };
  await put('train', training);
  await put('test', testing);
}

async function train(client: RekognitionClient) {
  const { ProjectArn } = await client.send(new CreateProjectCommand({ ProjectName: 'bench' }));
  const manifest = (name: string) => ({
    Assets: [{ GroundTruthManifest: { S3Object: { Bucket: BUCKET, Name: `${name}.manifest` } } }],
  });
  const begun = performance.now();
  const { ProjectVersionArn: arn } = await client.send(
    new CreateProjectVersionCommand({
      ProjectArn,
      VersionName: 'v',
      TrainingData: manifest('train'),
      TestingData: manifest('test'),
      OutputConfig: { S3Bucket: BUCKET, S3KeyPrefix: 'results' },
    }),
  );
  const version = await status(client, ProjectArn!, 'TRAINING_IN_PROGRESS', 200);
  const seconds = (performance.now() - begun) / 1000;
  if (version.Status !== 'TRAINING_COMPLETED') throw new Error(version.StatusMessage);
  await client.send(new StartProjectVersionCommand({ ProjectVersionArn: arn, MinInferenceUnits: 1 }));
  await status(client, ProjectArn!, 'STARTING', 50);
  return { arn: arn!, seconds };
}

/** The only version, as soon as its status isn't the given one. */
async function status(client: RekognitionClient, ProjectArn: string, left: string, every: number) {
  for (;;) {
    const { ProjectVersionDescriptions } = await client.send(
      new DescribeProjectVersionsCommand({ ProjectArn }),
    );
    const version = ProjectVersionDescriptions![0]!;
    if (version.Status !== left) return version;
    await sleep(every);
  }
}

async function predict(
  client: RekognitionClient,
  ProjectVersionArn: string,
  { labels, testing }: Task,
): Promise<number[][]> {
  const scores: number[][] = [];
  for (const { file } of testing) {
    const Image = { S3Object: { Bucket: BUCKET, Name: basename(file) } };
    const { CustomLabels } = await client.send(
      new DetectCustomLabelsCommand({ ProjectVersionArn, Image, MinConfidence: 0 }),
    );
    const found = new Map(CustomLabels!.map(({ Name, Confidence }) => [Name, Confidence! / 100]));
    scores.push(labels.map((label) => found.get(label)!));
  }
  return scores;
}

/** What the model file says of the backbone that it was made from, and the held-out losses of head and network. */
async function aboutModel(folder: string): Promise<object | undefined> {
  const [id] = await readdir(join(folder, 'versions'));
  const file = await readFile(join(folder, 'versions', id!, 'model.onnx'));
  const { backbone, training } = JSON.parse(readMetadata(file).ocellus!);
  return { ...backbone, losses: training.losses };
}
