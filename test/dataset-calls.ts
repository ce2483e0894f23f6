import {
  CreateDatasetCommand,
  type CreateDatasetCommandInput,
  type DatasetDescription,
  type DatasetType,
  DescribeDatasetCommand,
  ListDatasetEntriesCommand,
  type ListDatasetEntriesCommandInput,
  type RekognitionClient,
  UpdateDatasetEntriesCommand,
} from '@aws-sdk/client-rekognition';
import { boxAttribute, imageLine, type TestBox } from '../src/manifest/fixtures.ts';
import type { JsonObject } from '../src/manifest/parsed.ts';
import { until, type Workspace } from './harness.ts';

/** An image-level line of the image `s3://pictures/KEY`. */
export const labelled = (key: string, ...labels: string[]): JsonObject =>
  Object.assign({}, ...labels.map((label, index) => imageLine(key, label, `label-${index}`)));

export const unlabelled = (key: string): JsonObject => ({ 'source-ref': `s3://pictures/${key}` });

export const boxed = (key: string, ...boxes: TestBox[]): JsonObject => ({
  ...unlabelled(key),
  ...boxAttribute(boxes),
});

/** A line whose only label attribute has a type that isn't supported: it is kept, with errors. */
export const mistyped = (key: string): JsonObject =>
  imageLine(key, 'cat', 'kind', { type: 'groundtruth/wrongtype' });

export const jsonLines = (lines: (JsonObject | string)[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

/** An entry as it is listed when nothing is wrong with it. */
export const listed = (line: JsonObject, isLabeled = true): JsonObject => ({
  ...line,
  'cl-metadata': { is_labeled: isLabeled },
});

export async function describeDataset(client: RekognitionClient, arn: string): Promise<DatasetDescription> {
  const { DatasetDescription } = await client.send(new DescribeDatasetCommand({ DatasetArn: arn }));
  return DatasetDescription!;
}

/** The data set when nothing is in progress any more. */
export async function ended(client: RekognitionClient, arn: string): Promise<DatasetDescription> {
  return await until(async () => {
    const dataset = await describeDataset(client, arn);
    return !dataset.Status?.endsWith('_IN_PROGRESS') && dataset;
  });
}

export async function createDataset(
  client: RekognitionClient,
  projectArn: string,
  type: DatasetType,
  input: Partial<CreateDatasetCommandInput> = {},
): Promise<string> {
  const command = new CreateDatasetCommand({ ProjectArn: projectArn, DatasetType: type, ...input });
  return (await client.send(command)).DatasetArn!;
}

/** Starts to create a data set from a manifest of these lines. */
export async function importLines(
  { client, workspace }: { client: RekognitionClient; workspace: Workspace },
  projectArn: string,
  type: DatasetType,
  lines: (JsonObject | string)[],
): Promise<string> {
  const name = `${crypto.randomUUID()}.manifest`;
  await workspace.put('manifests', name, jsonLines(lines));
  return await createDataset(client, projectArn, type, { DatasetSource: fromManifest(name) });
}

export const fromManifest = (Name: string) => ({
  GroundTruthManifest: { S3Object: { Bucket: 'manifests', Name } },
});

export async function updateEntries(
  client: RekognitionClient,
  arn: string,
  lines: (JsonObject | string)[],
): Promise<void> {
  const Changes = { GroundTruth: Buffer.from(jsonLines(lines)) };
  await client.send(new UpdateDatasetEntriesCommand({ DatasetArn: arn, Changes }));
}

/** All entries that pass the filter, parsed, page by page. */
export async function listEntries(
  client: RekognitionClient,
  arn: string,
  filter: Partial<ListDatasetEntriesCommandInput> = {},
): Promise<JsonObject[]> {
  const entries: JsonObject[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListDatasetEntriesCommand({ DatasetArn: arn, ...filter, NextToken }));
    entries.push(...page.DatasetEntries!.map((line) => JSON.parse(line)));
    ({ NextToken } = page);
  } while (NextToken);
  return entries;
}

/** The keys of the images of entries. */
export const keys = (entries: JsonObject[]): string[] =>
  entries.map((entry) => (entry['source-ref'] as string).replace('s3://pictures/', ''));
