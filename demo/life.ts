import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateProjectCommand,
  CreateProjectVersionCommand,
  DescribeProjectVersionsCommand,
  DetectCustomLabelsCommand,
  type ProjectVersionDescription,
  type RekognitionClient,
  StartProjectVersionCommand,
  StopProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import type { Account } from './account.ts';
import type { DataSet, Unseen } from './data-set.ts';
import { DemoError } from './error.ts';

const VERSION = 'v1';

/** The names that the calls on one model need. */
export interface Model {
  projectArn: string;
  versionArn: string;
}

/** CreateProject and CreateProjectVersion: the training begins. */
export async function beginTraining(
  client: RekognitionClient,
  data: DataSet,
  account: Account,
): Promise<Model> {
  const { ProjectArn } = await account.step('CreateProject', data.project, () =>
    client.send(new CreateProjectCommand({ ProjectName: data.project })),
  );
  const assets = (manifest: string) => [
    { GroundTruthManifest: { S3Object: { Bucket: data.bucket, Name: manifest } } },
  ];
  const sets = data.test
    ? `${data.training.images} training and ${data.test.images} test images`
    : `${data.training.images} images, a fifth of them for the test`;
  const { ProjectVersionArn } = await account.step('CreateProjectVersion', `${VERSION}: ${sets}`, () =>
    client.send(
      new CreateProjectVersionCommand({
        ProjectArn,
        VersionName: VERSION,
        OutputConfig: { S3Bucket: data.bucket, S3KeyPrefix: 'results' },
        TrainingData: { Assets: assets(data.training.manifest) },
        TestingData: data.test ? { Assets: assets(data.test.manifest) } : { AutoCreate: true },
      }),
    ),
  );
  return { projectArn: ProjectArn!, versionArn: ProjectVersionArn! };
}

/**
 * DescribeProjectVersions until the training has ended, with what `progress` says meanwhile. Throws DemoError
 * when it failed.
 */
export async function awaitTraining(
  client: RekognitionClient,
  model: Model,
  progress: (versionArn: string) => Promise<string>,
  account: Account,
): Promise<ProjectVersionDescription> {
  const begin = performance.now();
  for (; ; await sleep(500)) {
    const version = await describe(client, model);
    const elapsed = performance.now() - begin;
    if (version.Status === 'TRAINING_IN_PROGRESS') {
      account.progress('GET /progress', await progress(model.versionArn), elapsed);
      continue;
    }
    account.line('DescribeProjectVersions', version.Status!, elapsed);
    if (version.Status === 'TRAINING_COMPLETED') return version;
    const summary = version.ManifestSummary?.S3Object;
    const details = summary ? `\nWhat is wrong with the data: bucket ${summary.Bucket}, ${summary.Name}` : '';
    throw new DemoError(`The training ended as ${version.Status}: ${version.StatusMessage}${details}`);
  }
}

/** StartProjectVersion, and DescribeProjectVersions until it runs. */
export async function start(client: RekognitionClient, model: Model, account: Account): Promise<void> {
  await account.step('StartProjectVersion', 'until RUNNING', async () => {
    await client.send(
      new StartProjectVersionCommand({ ProjectVersionArn: model.versionArn, MinInferenceUnits: 1 }),
    );
    await until(client, model, 'STARTING', 'RUNNING');
  });
}

/** StopProjectVersion, and DescribeProjectVersions until it has stopped. */
export async function stop(client: RekognitionClient, model: Model, account: Account): Promise<void> {
  await account.step('StopProjectVersion', 'until STOPPED', async () => {
    await client.send(new StopProjectVersionCommand({ ProjectVersionArn: model.versionArn }));
    await until(client, model, 'STOPPING', 'STOPPED');
  });
}

/** DetectCustomLabels on each picture; returns how many got the right label first. */
export async function detect(
  client: RekognitionClient,
  model: Model,
  pictures: Unseen[],
  account: Account,
): Promise<number> {
  let right = 0;
  for (const { name, label, image } of pictures) {
    const { CustomLabels = [] } = await account.step(
      'DetectCustomLabels',
      ({ CustomLabels: found = [] }) => {
        const [first] = found;
        const answer = first
          ? `${first.Name} ${first.Confidence!.toFixed(1)} %`
          : 'no label above its threshold';
        return `${shorten(name, 28).padEnd(28)} ${first?.Name === label ? '✓' : '✗'} ${answer}`;
      },
      () => client.send(new DetectCustomLabelsCommand({ ProjectVersionArn: model.versionArn, Image: image })),
    );
    if (CustomLabels[0]?.Name === label) right++;
  }
  return right;
}

const shorten = (name: string, length: number) =>
  name.length > length ? `…${name.slice(1 - length)}` : name;

async function describe(client: RekognitionClient, model: Model): Promise<ProjectVersionDescription> {
  const { ProjectVersionDescriptions } = await client.send(
    new DescribeProjectVersionsCommand({ ProjectArn: model.projectArn, VersionNames: [VERSION] }),
  );
  return ProjectVersionDescriptions![0]!;
}

async function until(client: RekognitionClient, model: Model, during: string, wanted: string): Promise<void> {
  for (; ; await sleep(100)) {
    const { Status, StatusMessage } = await describe(client, model);
    if (Status === wanted) return;
    if (Status !== during) throw new DemoError(`The model is ${Status} and not ${wanted}: ${StatusMessage}`);
  }
}
