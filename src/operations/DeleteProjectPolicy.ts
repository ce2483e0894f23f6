import { z } from 'zod';
import { deletePolicy } from '../store/policies.ts';
import { ServiceError } from './errors.ts';
import { requireProject } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { PolicyName, PolicyRevisionId, ProjectArn } from './shapes.ts';

export const DeleteProjectPolicy = defineOperation({
  name: 'DeleteProjectPolicy',
  input: z.object({ ProjectArn, PolicyName, PolicyRevisionId: PolicyRevisionId.optional() }),
  async handle({ ProjectArn: arn, PolicyName: name, PolicyRevisionId: revisionId }, context) {
    const { id } = await requireProject(arn, context);
    const result = await deletePolicy(context.database, id, name, revisionId);
    if (result === 'not-found') {
      throw new ServiceError('ResourceNotFoundException', `The project has no policy with the name ${name}.`);
    }
    if (result === 'wrong-revision') {
      throw new ServiceError(
        'InvalidPolicyRevisionIdException',
        `The policy ${name} has no revision ${revisionId}.`,
      );
    }
    return {};
  },
});
