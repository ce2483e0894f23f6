import type { Selectable } from 'kysely';
import type { ObjectRef } from '../objects/objects.ts';
import { nextCreationTime } from './clock.ts';
import { findProject } from './projects.ts';
import type { Database, DatasetStatus, DatasetStatusCode, DatasetType, Schema } from './schema.ts';
import { deleteTags, insertTags, type Tags } from './tags.ts';

/** What is being done to a data set whose status ends in IN_PROGRESS; kept, so that a restart takes it up again. */
export type DatasetJob =
  | { kind: 'import'; manifest: ObjectRef }
  | { kind: 'copy'; source: number }
  /** The lines are in `dataset_changes`. */
  | { kind: 'update' }
  | { kind: 'distribute'; into: number }
  /** The other side of `distribute`, which does the work. */
  | { kind: 'receive' };

/** The training or the test set of a project. Times are epoch milliseconds. */
export interface Dataset {
  /** The creation time. */
  id: number;
  arn: string;
  projectId: string;
  type: DatasetType;
  status: DatasetStatus;
  statusMessage: string;
  /** Absent while something is in progress. */
  statusCode?: DatasetStatusCode;
  createdAt: number;
  updatedAt: number;
  job?: DatasetJob;
  totalEntries: number;
  labeledEntries: number;
  errorEntries: number;
}

/** Statuses of a data set whose entries can be read and changed. */
export const READY: DatasetStatus[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_FAILED'];

const IN_PROGRESS = {
  CREATE_IN_PROGRESS: 'The dataset is being created.',
  UPDATE_IN_PROGRESS: 'The dataset is being updated.',
  DELETE_IN_PROGRESS: 'The dataset is being deleted.',
} as const;

function fromRow(row: Selectable<Schema['datasets']>): Dataset {
  return {
    ...row,
    id: Number(row.id),
    statusCode: row.statusCode ?? undefined,
    job: row.job === null ? undefined : JSON.parse(row.job),
  };
}

export interface NewDataset {
  projectArn: string;
  type: DatasetType;
  /** What fills it; empty and ready at once when absent. */
  job?: DatasetJob & { kind: 'import' | 'copy' };
  tags?: Tags;
}

/** Stores a data set that is to be filled, with its tags, or says why not. */
export async function createDataset(
  database: Database,
  { projectArn, type, job, tags }: NewDataset,
): Promise<Dataset | 'no-project' | 'exists' | 'source-not-ready'> {
  return await database.transaction().execute(async (transaction) => {
    const project = await findProject(transaction, projectArn);
    if (!project) return 'no-project';
    const existing = await listDatasets(transaction, [project.id]);
    if (existing.some((dataset) => dataset.type === type)) return 'exists';
    if (job?.kind === 'copy' && !(await isReady(transaction, job.source))) return 'source-not-ready';
    const createdAt = await nextCreationTime(transaction);
    const { account, region, name } = project;
    const place = `${name}/dataset/${type.toLowerCase()}/${createdAt}`;
    const row = await transaction
      .insertInto('datasets')
      .values({
        id: createdAt,
        projectId: project.id,
        arn: `arn:aws:rekognition:${region}:${account}:project/${place}`,
        type,
        status: job ? 'CREATE_IN_PROGRESS' : 'CREATE_COMPLETE',
        statusMessage: job ? IN_PROGRESS.CREATE_IN_PROGRESS : 'The dataset was successfully created.',
        statusCode: job ? null : 'SUCCESS',
        createdAt,
        updatedAt: createdAt,
        job: job ? JSON.stringify(job) : null,
        lastPosition: 0,
        totalEntries: 0,
        labeledEntries: 0,
        errorEntries: 0,
      })
      // Where the database runs transactions side by side, the constraint decides.
      .onConflict((conflict) => conflict.columns(['projectId', 'type']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!row) return 'exists';
    await insertTags(transaction, row.arn, tags);
    return fromRow(row);
  });
}

async function isReady(database: Database, id: number): Promise<boolean> {
  const dataset = await findDatasetById(database, id);
  return dataset !== undefined && READY.includes(dataset.status);
}

export async function findDataset(database: Database, arn: string): Promise<Dataset | undefined> {
  const row = await database.selectFrom('datasets').selectAll().where('arn', '=', arn).executeTakeFirst();
  return row && fromRow(row);
}

export async function findDatasetById(database: Database, id: number): Promise<Dataset | undefined> {
  const row = await database.selectFrom('datasets').selectAll().where('id', '=', id).executeTakeFirst();
  return row && fromRow(row);
}

/** The data sets of projects, TRAIN before TEST. */
export async function listDatasets(database: Database, projectIds: string[]): Promise<Dataset[]> {
  if (projectIds.length === 0) return [];
  const rows = await database
    .selectFrom('datasets')
    .selectAll()
    .where('projectId', 'in', projectIds)
    .orderBy('type', 'desc')
    .execute();
  return rows.map(fromRow);
}

/** Every data set in one of the statuses, oldest first: what a start takes up again. */
export async function listDatasetsInStatus(
  database: Database,
  statuses: DatasetStatus[],
): Promise<Dataset[]> {
  const rows = await database
    .selectFrom('datasets')
    .selectAll()
    .where('status', 'in', statuses)
    .orderBy('id')
    .execute();
  return rows.map(fromRow);
}

/** Moves a data set into a status of progress if it is in one of those given; false when it wasn't. */
async function begin(
  database: Database,
  id: number,
  from: DatasetStatus[],
  to: keyof typeof IN_PROGRESS,
  job: DatasetJob | null,
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('datasets')
    .set({
      status: to,
      statusMessage: IN_PROGRESS[to],
      statusCode: null,
      job: job && JSON.stringify(job),
      updatedAt: Date.now(),
    })
    .where('id', '=', id)
    .where('status', 'in', from)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Stores the lines that are to be merged, and UPDATE_IN_PROGRESS; false when the data set isn't ready. */
export async function beginUpdate(database: Database, id: number, lines: string): Promise<boolean> {
  return await database.transaction().execute(async (transaction) => {
    if (!(await begin(transaction, id, READY, 'UPDATE_IN_PROGRESS', { kind: 'update' }))) return false;
    await keepChanges(transaction, id, lines);
    return true;
  });
}

/** Moves both data sets to UPDATE_IN_PROGRESS, or says why not. */
export async function beginDistribution(
  database: Database,
  train: number,
  test: number,
): Promise<'begun' | 'not-found' | 'not-ready' | 'train-empty' | 'test-not-empty'> {
  return await database.transaction().execute(async (transaction) => {
    const [source, target] = [
      await findDatasetById(transaction, train),
      await findDatasetById(transaction, test),
    ];
    if (!source || !target) return 'not-found';
    if (![source, target].every(({ status }) => READY.includes(status))) return 'not-ready';
    if (source.totalEntries === 0) return 'train-empty';
    if (target.totalEntries > 0) return 'test-not-empty';
    await begin(transaction, train, READY, 'UPDATE_IN_PROGRESS', { kind: 'distribute', into: test });
    await begin(transaction, test, READY, 'UPDATE_IN_PROGRESS', { kind: 'receive' });
    return 'begun';
  });
}

/** Moves a data set that nothing is done to into DELETE_IN_PROGRESS; false when something is. */
export async function beginDeletion(database: Database, id: number): Promise<boolean> {
  return await begin(database, id, [...READY, 'CREATE_FAILED'], 'DELETE_IN_PROGRESS', null);
}

/** How a job ended. */
export interface DatasetEnd {
  status: Exclude<DatasetStatus, keyof typeof IN_PROGRESS>;
  message: string;
  code: DatasetStatusCode;
}

/** Stores how a job in progress ended for the data sets that it changed, and removes what only the job needed. */
export async function finishJob(database: Database, ids: number[], end: DatasetEnd): Promise<void> {
  await database.transaction().execute((transaction) => finish(transaction, ids, end));
}

async function finish(database: Database, ids: number[], end: DatasetEnd): Promise<void> {
  await database.deleteFrom('datasetChanges').where('datasetId', 'in', ids).execute();
  await database
    .updateTable('datasets')
    .set({
      status: end.status,
      statusMessage: end.message,
      statusCode: end.code,
      job: null,
      updatedAt: Date.now(),
    })
    .where('id', 'in', ids)
    .where('job', 'is not', null)
    .execute();
}

/** Keeps what a job in progress is about to do until the job ends. */
export async function keepChanges(database: Database, id: number, lines: string): Promise<void> {
  await database.insertInto('datasetChanges').values({ datasetId: id, lines }).execute();
}

/** What `keepChanges` kept. */
export async function findChanges(database: Database, id: number): Promise<string | undefined> {
  const row = await database
    .selectFrom('datasetChanges')
    .select('lines')
    .where('datasetId', '=', id)
    .executeTakeFirst();
  return row?.lines;
}

/** Removes a data set in DELETE_IN_PROGRESS, and its tags. Its entries must be gone already. */
export async function deleteDataset(database: Database, { id, arn }: Dataset): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    await transaction
      .deleteFrom('datasets')
      .where('id', '=', id)
      .where('status', '=', 'DELETE_IN_PROGRESS')
      .execute();
    await deleteTags(transaction, arn);
  });
}
