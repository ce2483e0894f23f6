import { z } from 'zod';
import { mayCopy, parsePolicy } from '../access/project-policy.ts';
import { findPolicies } from '../store/policies.ts';
import { findProject, type Project } from '../store/projects.ts';
import { createCopy, findVersion } from '../store/versions.ts';
import { ServiceError } from './errors.ts';
import { inUse, notFound, requireProject, WITH_MODEL } from './lookup.ts';
import { readOutput, refuseKey, requireBucket, requireMade } from './new-version.ts';
import { type Context, defineOperation } from './operation.ts';
import { KmsKeyId, OutputConfig, ProjectArn, ProjectVersionArn, Tags, VersionName } from './shapes.ts';

const input = z.object({
  SourceProjectArn: ProjectArn,
  SourceProjectVersionArn: ProjectVersionArn,
  DestinationProjectArn: ProjectArn,
  VersionName,
  OutputConfig,
  Tags: Tags.optional(),
  KmsKeyId: KmsKeyId.optional(),
});
type Input = z.output<typeof input>;

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

/** `project/NAME` of an ARN of a project or of one of its versions, with account and Region. */
const projectOf = (arn: string) => arn.split('/').slice(0, 2).join('/');

function checkSource({ SourceProjectArn: project, SourceProjectVersionArn: version }: Input, region: string) {
  if (projectOf(project) !== projectOf(version)) {
    throw invalid('SourceProjectVersionArn must name a version of the project of SourceProjectArn.');
  }
  if (project.split(':')[3] !== region) {
    throw invalid(`The source must be in the Region ${region} of the request.`);
  }
}

/** Throws AccessDeniedException unless the policies of the source project let the caller have the version. */
async function authorize(projectId: string | undefined, versionArn: string, { database, caller }: Context) {
  const stored = projectId === undefined ? [] : await findPolicies(database, projectId);
  const policies = stored.flatMap(({ document }) => {
    const policy = parsePolicy(document);
    return 'wrong' in policy ? [] : [policy];
  });
  if (mayCopy(policies, versionArn, caller)) return;
  throw new ServiceError(
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: rekognition:CopyProjectVersion on resource: ${versionArn}`,
  );
}

async function requireSource(
  project: Project | undefined,
  { SourceProjectArn: projectArn, SourceProjectVersionArn: versionArn }: Input,
  context: Context,
): Promise<void> {
  if (!project) throw notFound(projectArn);
  const version = await findVersion(context.database, versionArn);
  if (!version || version.projectId !== project.id) throw notFound(versionArn);
  if (version.status === 'TRAINING_FAILED' || version.status === 'COPYING_FAILED') {
    throw invalid(`The source is in the ${version.status} state, so there is no model to copy.`);
  }
}

export const CopyProjectVersion = defineOperation({
  name: 'CopyProjectVersion',
  input,
  async handle(input, context) {
    const { database, config, caller } = context;
    // A caller of another account is let in before it learns what exists there.
    const sourceProject = await findProject(database, input.SourceProjectArn);
    await authorize(sourceProject?.id, input.SourceProjectVersionArn, context);
    refuseKey(input.KmsKeyId);
    checkSource(input, caller.region);
    const output = readOutput(input.OutputConfig);
    await requireSource(sourceProject, input, context);
    await requireProject(input.DestinationProjectArn, context);
    await requireBucket(output.bucket, context);
    const version = {
      projectArn: input.DestinationProjectArn,
      name: input.VersionName,
      request: { output },
      tags: input.Tags,
      versionLimit: config.maximumVersions,
      busyLimit: config.maximumCopies,
    };
    const source = { arn: input.SourceProjectVersionArn, statuses: WITH_MODEL };
    const made = await createCopy(database, version, source);
    if (made === 'wrong-source-status') throw await inUse(source.arn, context);
    const copy = requireMade(made, version, 'copies');
    context.copies.start(copy);
    return { ProjectVersionArn: copy.arn };
  },
});
