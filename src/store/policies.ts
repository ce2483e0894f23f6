import { randomBytes } from 'node:crypto';
import { nextCreationTime } from './clock.ts';
import type { Database } from './schema.ts';

/** A resource policy of a project. Times are epoch milliseconds. */
export interface ProjectPolicy {
  name: string;
  /** Changes with every change of the policy. */
  revisionId: string;
  /** The text as it was given. */
  document: string;
  createdAt: number;
  updatedAt: number;
}

export interface PolicyChange {
  projectId: string;
  name: string;
  document: string;
  /** Of the policy that is to be replaced; a new policy has none. */
  revisionId?: string;
  /** Policies that a project may have. */
  limit: number;
}

/** Attaches a policy or replaces the revision that was named. The new revision id, or why not. */
export async function putPolicy(
  database: Database,
  { projectId, name, document, revisionId, limit }: PolicyChange,
): Promise<{ revisionId: string } | 'no-project' | 'name-taken' | 'wrong-revision' | 'limit'> {
  return await database.transaction().execute(async (transaction) => {
    const project = await transaction
      .selectFrom('projects')
      .select('id')
      .where('id', '=', projectId)
      .executeTakeFirst();
    if (!project) return 'no-project';
    const existing = await findPolicies(transaction, projectId);
    const current = existing.find((policy) => policy.name === name);
    if (revisionId !== undefined && current?.revisionId !== revisionId) return 'wrong-revision';
    if (revisionId === undefined && current) return 'name-taken';
    if (!current && existing.length >= limit) return 'limit';
    const updatedAt = await nextCreationTime(transaction);
    const next = { revisionId: randomBytes(16).toString('hex'), document, updatedAt };
    await transaction
      .insertInto('projectPolicies')
      .values({ projectId, name, createdAt: updatedAt, ...next })
      .onConflict((conflict) => conflict.columns(['projectId', 'name']).doUpdateSet(next))
      .execute();
    return { revisionId: next.revisionId };
  });
}

/** Every policy of a project, newest first. */
export async function findPolicies(
  database: Database,
  projectId: string,
  { before, limit }: { before?: number; limit?: number } = {},
): Promise<ProjectPolicy[]> {
  let policies = database
    .selectFrom('projectPolicies')
    .select(['name', 'revisionId', 'document', 'createdAt', 'updatedAt'])
    .where('projectId', '=', projectId)
    .orderBy('createdAt', 'desc');
  if (before !== undefined) policies = policies.where('createdAt', '<', before);
  if (limit !== undefined) policies = policies.limit(limit);
  return await policies.execute();
}

/** Removes a policy; with a revision id only if that is the current one. */
export async function deletePolicy(
  database: Database,
  projectId: string,
  name: string,
  revisionId?: string,
): Promise<'deleted' | 'not-found' | 'wrong-revision'> {
  return await database.transaction().execute(async (transaction) => {
    const policy = (await findPolicies(transaction, projectId)).find((each) => each.name === name);
    if (!policy) return 'not-found';
    if (revisionId !== undefined && revisionId !== policy.revisionId) return 'wrong-revision';
    await transaction
      .deleteFrom('projectPolicies')
      .where('projectId', '=', projectId)
      .where('name', '=', name)
      .execute();
    return 'deleted';
  });
}
