import { z } from 'zod';
import { deleteProject } from '../store/projects.ts';
import { ServiceError } from './errors.ts';
import { notFound, requireProject } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { ProjectArn } from './shapes.ts';

export const DeleteProject = defineOperation({
  name: 'DeleteProject',
  input: z.object({ ProjectArn }),
  async handle({ ProjectArn: arn }, context) {
    await requireProject(arn, context);
    const result = await deleteProject(context.database, arn);
    if (result === 'not-found') throw notFound(arn);
    if (result === 'has-versions') {
      throw new ServiceError(
        'ResourceInUseException',
        'The project has project versions. Delete them first.',
      );
    }
    if (result === 'has-datasets') {
      throw new ServiceError('ResourceInUseException', 'The project has datasets. Delete them first.');
    }
    return { Status: 'DELETING' as const };
  },
});
