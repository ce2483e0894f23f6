import { randomUUID } from 'node:crypto';
import { nextCreationTime } from './clock.ts';
import { listDatasets } from './datasets.ts';
import type { Database } from './schema.ts';
import { deleteTags, insertTags, type Tags } from './tags.ts';

export interface Project {
  /** Opaque. */
  id: string;
  arn: string;
  account: string;
  region: string;
  name: string;
  /** Epoch milliseconds, unlike that of any other resource. */
  createdAt: number;
}

export interface NewProject {
  account: string;
  region: string;
  name: string;
  tags?: Tags;
  /** Projects that an account may have in a Region. */
  limit: number;
}

/** Stores a project with its tags, or says why not. */
export async function createProject(
  database: Database,
  { account, region, name, tags, limit }: NewProject,
): Promise<Project | 'name-taken' | 'limit'> {
  return await database.transaction().execute(async (transaction) => {
    const existing = await transaction
      .selectFrom('projects')
      .select('name')
      .where('account', '=', account)
      .where('region', '=', region)
      .execute();
    if (existing.some((project) => project.name === name)) return 'name-taken';
    if (existing.length >= limit) return 'limit';
    const createdAt = await nextCreationTime(transaction);
    const arn = `arn:aws:rekognition:${region}:${account}:project/${name}/${createdAt}`;
    const project = await transaction
      .insertInto('projects')
      .values({ id: randomUUID(), arn, account, region, name, createdAt })
      // Where the database runs transactions side by side, the constraint decides.
      .onConflict((conflict) => conflict.columns(['account', 'region', 'name']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!project) return 'name-taken';
    await insertTags(transaction, arn, tags);
    return project;
  });
}

export async function findProject(database: Database, arn: string): Promise<Project | undefined> {
  return await database.selectFrom('projects').selectAll().where('arn', '=', arn).executeTakeFirst();
}

export interface ProjectQuery {
  account: string;
  region: string;
  /** Exact names; all when absent. */
  names?: string[];
  /** Only those made before this time: where the last page ended. */
  before?: number;
  limit: number;
}

/** Projects, newest first. */
export async function listProjects(database: Database, query: ProjectQuery): Promise<Project[]> {
  const { account, region, names, before, limit } = query;
  let select = database
    .selectFrom('projects')
    .selectAll()
    .where('account', '=', account)
    .where('region', '=', region);
  if (names) select = select.where('name', 'in', names);
  if (before !== undefined) select = select.where('createdAt', '<', before);
  return await select.orderBy('createdAt', 'desc').limit(limit).execute();
}

/** Removes a project, its policies and its tags, unless it has versions or data sets, or isn't there. */
export async function deleteProject(
  database: Database,
  arn: string,
): Promise<'deleted' | 'not-found' | 'has-versions' | 'has-datasets'> {
  return await database.transaction().execute(async (transaction) => {
    const project = await findProject(transaction, arn);
    if (!project) return 'not-found';
    const version = await transaction
      .selectFrom('projectVersions')
      .select('id')
      .where('projectId', '=', project.id)
      .limit(1)
      .executeTakeFirst();
    if (version) return 'has-versions';
    if ((await listDatasets(transaction, [project.id])).length > 0) return 'has-datasets';
    await transaction.deleteFrom('projectPolicies').where('projectId', '=', project.id).execute();
    await transaction.deleteFrom('projects').where('id', '=', project.id).execute();
    await deleteTags(transaction, arn);
    return 'deleted';
  });
}
