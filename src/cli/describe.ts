import type { ProgressReport } from '../training/progress-report.ts';
import { ApiError, type Client, openClient } from './client.ts';
import { defineCommand } from './command.ts';
import { describeEvaluation } from './evaluation.ts';
import { listVersions, requireProject, requireVersion, type Version, versionName } from './names.ts';
import { formatTable, formatTime } from './table.ts';

const help = `Usage: ocellus describe PROJECT [VERSION] [--json]

Of a project, lists the versions, the newest first; of a version, says everything, with precision, recall, F1 and
threshold of each label on the test images. --json prints what the API answers, one version per line.`;

export const describe = defineCommand(
  { help, options: { json: { type: 'boolean' } }, operands: { minimum: 1, maximum: 2 } },
  async ([project = '', name], { json }): Promise<undefined> => {
    const client = await openClient();
    const versions = name
      ? [await requireVersion(client, project, name)]
      : await listVersions(client, (await requireProject(client, project)).ProjectArn!);
    if (json) for (const version of versions) console.log(JSON.stringify(version));
    else if (name) console.log(await details(versions[0]!, client));
    else if (versions.length > 0) console.log(versionTable(versions));
    else console.log(`The project "${project}" has no versions yet: "ocellus train ${project} VERSION".`);
  },
);

function versionTable(versions: Version[]): string {
  const rows = versions.map((version) => [
    versionName(version),
    formatTime(version.CreationTimestamp),
    version.Status ?? '',
    version.EvaluationResult?.F1Score?.toFixed(3) ?? '',
    version.VersionDescription ?? '',
  ]);
  return formatTable([['version', 'created', 'status', 'F1', 'description'], ...rows]);
}

/** How far to trust the confidences; undefined where it isn't known, as of a copy. */
async function calibration({ ProjectVersionArn }: Version, client: Client): Promise<string | undefined> {
  try {
    const answer = await client.get('progress', ProjectVersionArn!);
    const { calibrationError: error } = (await answer.json()) as ProgressReport;
    return error === undefined
      ? undefined
      : `confidences are off by ${(100 * error).toFixed(1)} % on average`;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

async function details(version: Version, client: Client): Promise<string> {
  const lines = [
    ['Version', versionName(version)],
    ['ARN', version.ProjectVersionArn],
    ['Description', version.VersionDescription],
    ['Status', version.Status],
    ['Message', version.StatusMessage],
    ['Created', formatTime(version.CreationTimestamp)],
    ['Trained', trained(version)],
    ['Calibration', version.EvaluationResult && (await calibration(version, client))],
    ['Copy of', version.SourceProjectVersionArn],
    ['Results', `s3://${version.OutputConfig?.S3Bucket}/${version.OutputConfig?.S3KeyPrefix ?? ''}`],
  ].filter((row): row is [string, string] => Boolean(row[1]));
  const evaluated = version.EvaluationResult
    ? `\n\n${await describeEvaluation(version, client.connection.objects)}`
    : '';
  return lines.map(([name, value]) => `${name.padEnd(13)}${value}`).join('\n') + evaluated;
}

function trained({ TrainingEndTimestamp: end, BillableTrainingTimeInSeconds: seconds }: Version) {
  return end && `${formatTime(end)}${seconds === undefined ? '' : `, in ${seconds} s`}`;
}
