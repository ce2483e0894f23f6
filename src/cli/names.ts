import type { ProjectDescription, ProjectVersionDescription } from '@aws-sdk/client-rekognition';
import type { Client, Wire } from './client.ts';
import { CliError } from './command.ts';

export type Project = Wire<ProjectDescription>;
export type Version = Wire<ProjectVersionDescription>;

/** `NAME` of `arn:…:project/NAME/1690405809285`. */
export function projectName({ ProjectArn = '' }: Project): string {
  return ProjectArn.split('/')[1] ?? '';
}

/** `NAME` of `arn:…:project/PROJECT/version/NAME/1690405809285`. */
export function versionName({ ProjectVersionArn = '' }: Version): string {
  return ProjectVersionArn.split('/')[3] ?? '';
}

/** Throws {@link CliError}, with the projects that there are, when there is none of the name. */
export async function requireProject(client: Client, name: string): Promise<Project> {
  const { ProjectDescriptions: found = [] } = await client.call('DescribeProjects', { ProjectNames: [name] });
  if (found[0]) return found[0];
  const names = (await listProjects(client)).map(projectName);
  throw new CliError(
    `There is no project "${name}". ${names.length > 0 ? `There are: ${names.join(', ')}. ` : ''}` +
      `"ocellus project create ${name}" makes it.`,
  );
}

/** Throws {@link CliError}, with the versions that there are, when there is none of the name. */
export async function requireVersion(client: Client, project: string, name: string): Promise<Version> {
  const { ProjectArn } = await requireProject(client, project);
  const { ProjectVersionDescriptions: found = [] } = await client.call('DescribeProjectVersions', {
    ProjectArn,
    VersionNames: [name],
  });
  if (found[0]) return found[0];
  const names = (await listVersions(client, ProjectArn!)).map(versionName);
  const there = names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none yet.';
  throw new CliError(`The project "${project}" has no version "${name}". ${there}`);
}

export async function listProjects(client: Client): Promise<Project[]> {
  const all: Project[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.call('DescribeProjects', { NextToken });
    all.push(...(page.ProjectDescriptions ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return all;
}

/** The newest first. */
export async function listVersions(client: Client, ProjectArn: string): Promise<Version[]> {
  const all: Version[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.call('DescribeProjectVersions', { ProjectArn, NextToken });
    all.push(...(page.ProjectVersionDescriptions ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return all;
}
