import { z } from 'zod';
import { createProject } from '../store/projects.ts';
import { ServiceError } from './errors.ts';
import { defineOperation } from './operation.ts';
import { AutoUpdate, Feature, ProjectName, Tags } from './shapes.ts';

export const CreateProject = defineOperation({
  name: 'CreateProject',
  input: z.object({
    ProjectName,
    Feature: Feature.optional(),
    AutoUpdate: AutoUpdate.optional(),
    Tags: Tags.optional(),
  }),
  async handle(input, { database, caller, config }) {
    if (input.Feature === 'CONTENT_MODERATION') {
      throw new ServiceError(
        'InvalidParameterException',
        'Projects with the Feature CONTENT_MODERATION are not supported yet.',
      );
    }
    if (input.AutoUpdate) {
      throw new ServiceError(
        'InvalidParameterException',
        'AutoUpdate applies only to projects with the Feature CONTENT_MODERATION.',
      );
    }
    const project = await createProject(database, {
      account: caller.account,
      region: caller.region,
      name: input.ProjectName,
      tags: input.Tags,
      limit: config.maximumProjects,
    });
    if (project === 'name-taken') {
      throw new ServiceError(
        'ResourceInUseException',
        `A project with the name ${input.ProjectName} already exists.`,
      );
    }
    if (project === 'limit') {
      throw new ServiceError(
        'LimitExceededException',
        `The account has ${config.maximumProjects} projects, which is the maximum.`,
      );
    }
    return { ProjectArn: project.arn };
  },
});
