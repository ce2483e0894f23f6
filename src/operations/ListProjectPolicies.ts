import { z } from 'zod';
import { findPolicies, type ProjectPolicy } from '../store/policies.ts';
import { requireProject } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { readPage } from './paging.ts';
import { PageToken, PolicyPageSize, ProjectArn } from './shapes.ts';

const PAGE_SIZE = 5;

function describe(projectArn: string, policy: ProjectPolicy) {
  return {
    ProjectArn: projectArn,
    PolicyName: policy.name,
    PolicyRevisionId: policy.revisionId,
    PolicyDocument: policy.document,
    CreationTimestamp: new Date(policy.createdAt),
    LastUpdatedTimestamp: new Date(policy.updatedAt),
  };
}

export const ListProjectPolicies = defineOperation({
  name: 'ListProjectPolicies',
  input: z.object({
    ProjectArn,
    NextToken: PageToken.optional(),
    MaxResults: PolicyPageSize.optional(),
  }),
  async handle({ MaxResults = PAGE_SIZE, NextToken, ProjectArn: arn }, context) {
    const { id } = await requireProject(arn, context);
    const query = ['ListProjectPolicies', arn];
    const { items, nextToken } = await readPage({ MaxResults, NextToken }, query, context, (position) =>
      findPolicies(context.database, id, position),
    );
    return { ProjectPolicies: items.map((policy) => describe(arn, policy)), NextToken: nextToken };
  },
});
