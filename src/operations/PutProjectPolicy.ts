import { z } from 'zod';
import { parsePolicy } from '../access/project-policy.ts';
import { putPolicy } from '../store/policies.ts';
import { ServiceError } from './errors.ts';
import { notFound, requireProject } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { PolicyDocument, PolicyName, PolicyRevisionId, ProjectArn } from './shapes.ts';

export const PutProjectPolicy = defineOperation({
  name: 'PutProjectPolicy',
  input: z.object({
    ProjectArn,
    PolicyName,
    PolicyRevisionId: PolicyRevisionId.optional(),
    PolicyDocument,
  }),
  async handle(input, context) {
    const { ProjectArn: arn, PolicyName: name, PolicyDocument: document } = input;
    const { id: projectId } = await requireProject(arn, context);
    const policy = parsePolicy(document);
    if ('wrong' in policy) throw new ServiceError('MalformedPolicyDocumentException', policy.wrong);
    const limit = context.config.maximumPolicies;
    const change = { projectId, name, document, revisionId: input.PolicyRevisionId, limit };
    const result = await putPolicy(context.database, change);
    switch (result) {
      case 'no-project':
        throw notFound(arn);
      case 'name-taken':
        throw new ServiceError(
          'ResourceAlreadyExistsException',
          `A policy with the name ${name} already exists. PolicyRevisionId must name the revision to replace.`,
        );
      case 'wrong-revision':
        throw new ServiceError(
          'InvalidPolicyRevisionIdException',
          `The policy ${name} has no revision ${input.PolicyRevisionId}.`,
        );
      case 'limit':
        throw new ServiceError(
          'LimitExceededException',
          `The project has ${limit} policies, which is the maximum.`,
        );
      default:
        return { PolicyRevisionId: result.revisionId };
    }
  },
});
