import type { Client } from './client.ts';
import { openClient } from './client.ts';
import { CliError, commandGroup, defineCommand } from './command.ts';
import {
  listProjects,
  listVersions,
  type Project,
  projectName,
  requireProject,
  versionName,
} from './names.ts';
import { count, formatTable, formatTime } from './table.ts';
import { leave } from './wait.ts';

const BUSY = ['TRAINING_IN_PROGRESS', 'STARTING', 'STOPPING', 'COPYING_IN_PROGRESS'];

const list = defineCommand(
  {
    help: `Usage: ocellus project list [--json]

Lists the projects, the newest first. --json prints what the API answers, one project per line.`,
    options: { json: { type: 'boolean' } },
    operands: { minimum: 0, maximum: 0 },
  },
  async (_operands, { json }): Promise<undefined> => {
    const projects = await listProjects(await openClient());
    if (json) for (const project of projects) console.log(JSON.stringify(project));
    else if (projects.length === 0) console.log('There are no projects yet: "ocellus project create NAME".');
    else console.log(projectTable(projects));
  },
);

function projectTable(projects: Project[]): string {
  const rows = projects.map((project) => [
    projectName(project),
    formatTime(project.CreationTimestamp),
    project.Status ?? '',
    (project.Datasets ?? []).map(({ DatasetType }) => DatasetType).join(', ') || 'none',
  ]);
  return formatTable([['project', 'created', 'status', 'data sets'], ...rows]);
}

const create = defineCommand(
  {
    help: `Usage: ocellus project create NAME [--json]

Makes a project: the place of a model's versions. Names have letters, digits, "_", "." and "-".
Prints its ARN (with --json, {"ProjectArn": …}).`,
    options: { json: { type: 'boolean' } },
    operands: { minimum: 1, maximum: 1 },
  },
  async ([name], { json }): Promise<undefined> => {
    const answer = await (await openClient()).call('CreateProject', { ProjectName: name });
    console.log(json ? JSON.stringify(answer) : answer.ProjectArn);
  },
);

const remove = defineCommand(
  {
    help: `Usage: ocellus project delete NAME [--all]

Deletes a project that has no versions and no data sets. With --all, these are deleted before it, models that run are
stopped, and nothing of them can be had back. Pictures and result files in buckets stay.`,
    options: { all: { type: 'boolean' } },
    operands: { minimum: 1, maximum: 1 },
  },
  async ([name = ''], { all }): Promise<undefined> => {
    const client = await openClient();
    const project = await requireProject(client, name);
    const { ProjectArn, Datasets = [] } = project;
    const versions = await listVersions(client, ProjectArn!);
    if (!all && versions.length + Datasets.length > 0) {
      throw new CliError(
        `The project "${name}" has ${count(versions.length, 'version')} and ${count(Datasets.length, 'data set')}. ` +
          `"ocellus project delete ${name} --all" deletes them, too.`,
      );
    }
    for (const version of versions) await removeVersion(client, name, versionName(version));
    for (const { DatasetArn } of Datasets) await client.call('DeleteDataset', { DatasetArn });
    await client.call('DeleteProject', { ProjectArn });
    console.log(`The project "${name}" is deleted.`);
  },
);

async function removeVersion(client: Client, project: string, version: string): Promise<void> {
  const name = { project, version };
  const { Status, ProjectVersionArn } = await leave(client, name, BUSY, ({ Status }) => {
    if (Status !== 'TRAINING_IN_PROGRESS') return;
    throw new CliError(`The version "${version}" is being trained. It can be deleted when that has ended.`);
  });
  if (Status === 'RUNNING') {
    await client.call('StopProjectVersion', { ProjectVersionArn });
    await leave(client, name, ['STOPPING']);
  }
  await client.call('DeleteProjectVersion', { ProjectVersionArn });
}

export const project = commandGroup('ocellus project', 'Projects: each holds the versions of a model.', {
  list: { summary: 'list the projects', load: async () => list },
  create: { summary: 'make a project', load: async () => create },
  delete: { summary: 'delete a project', load: async () => remove },
});
