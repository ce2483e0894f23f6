import { parseObjectUrl, parseS3Url } from './buckets.ts';
import { type Client, openClient } from './client.ts';
import { CliError, defineCommand } from './command.ts';
import { describeEvaluation } from './evaluation.ts';
import { requireProject, type Version } from './names.ts';
import { leave } from './wait.ts';
import { watchTraining } from './watch.ts';

const help = `Usage: ocellus train PROJECT VERSION [--manifest s3://BUCKET/KEY] [--test s3://BUCKET/KEY]
                     [--output s3://BUCKET/FOLDER] [--description TEXT]
                     [--budget fast|balanced|best] [--json]

Trains a version of a project, waits for the end and says how good it is. Ctrl-C ends the waiting, not the training:
"ocellus describe PROJECT VERSION" looks again.

Options:
  --manifest s3://BUCKET/KEY    the training images ("ocellus dataset import" writes one); without it, the project's
                                data sets
  --test s3://BUCKET/KEY        the test images; without it, a fifth of the training images is set apart
  --output s3://BUCKET/FOLDER   where the result files go; without it, the folder PROJECT-VERSION in the bucket of the
                                manifest
  --description TEXT            a note on the version
  --budget NAME                 how long to train: fast, balanced or best; without it, as the server is set
  --json                        print the version at its end as the API describes it, and nothing else

Exit status 1 when the training fails. Example: ocellus train pets v1 --manifest s3://photos/all.manifest`;

const options = {
  manifest: { type: 'string' },
  test: { type: 'string' },
  output: { type: 'string' },
  description: { type: 'string' },
  budget: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const train = defineCommand(
  { help, options, operands: { minimum: 2, maximum: 2 } },
  async ([project = '', version = ''], values) => {
    const output = outputPlace(values, `${project}-${version}`);
    const client = await openClient();
    const { ProjectArn } = await requireProject(client, project);
    if (!values.manifest && values.test) {
      throw new CliError(
        '--test goes with --manifest: data sets of a project have a test set of their own.',
        2,
      );
    }
    const { ProjectVersionArn } = await client.call('CreateProjectVersion', {
      ProjectArn,
      VersionName: version,
      VersionDescription: values.description,
      OutputConfig: output,
      ...(values.budget !== undefined && { Tags: { 'ocellus:budget': values.budget } }),
      ...(values.manifest && {
        TrainingData: { Assets: assets(values.manifest) },
        TestingData: values.test ? { Assets: assets(values.test) } : { AutoCreate: true },
      }),
    });
    if (!values.json) await watchTraining(client, ProjectVersionArn!);
    const ended = await leave(client, { project, version }, ['TRAINING_IN_PROGRESS']);
    if (values.json) console.log(JSON.stringify(ended));
    else await report(client, ended, values.manifest);
    return ended.Status === 'TRAINING_COMPLETED' ? 0 : 1;
  },
);

function assets(url: string) {
  const { bucket, key } = parseObjectUrl(url);
  return [{ GroundTruthManifest: { S3Object: { Bucket: bucket, Name: key } } }];
}

function outputPlace({ output, manifest }: { output?: string; manifest?: string }, name: string) {
  if (output) {
    const { bucket, key } = parseS3Url(output);
    return { S3Bucket: bucket, S3KeyPrefix: key || undefined };
  }
  if (manifest) return { S3Bucket: parseObjectUrl(manifest).bucket, S3KeyPrefix: name };
  throw new CliError('Say where the result files go: --output s3://BUCKET/FOLDER', 2);
}

async function report(client: Client, version: Version, manifest: string | undefined): Promise<void> {
  if (version.Status === 'TRAINING_COMPLETED') {
    console.log(await describeEvaluation(version, client.connection.objects));
    return;
  }
  const { Bucket, Name } = version.ManifestSummary?.S3Object ?? {};
  const summary = Bucket ? `\nWhat is wrong with which line: s3://${Bucket}/${Name}` : '';
  const check = manifest ? `\nWhat to do: ocellus dataset check ${manifest}` : '';
  console.error(`The training ended as ${version.Status}: ${version.StatusMessage}${summary}${check}`);
}
