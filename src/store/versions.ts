import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { ObjectRef } from '../objects/objects.ts';
import type { TrainingOutcome } from '../training/outcome.ts';
import { nextCreationTime } from './clock.ts';
import { findProject } from './projects.ts';
import type { Database, Schema, VersionStatus } from './schema.ts';
import { deleteTags, insertTags, type Tags } from './tags.ts';

/** What CreateProjectVersion asked for. */
export interface VersionRequest {
  training: ObjectRef;
  /** Absent when the test set is to be split off the training set. */
  testing?: ObjectRef;
  output: { bucket: string; prefix?: string };
  description?: string;
}

/** One trained, or to be trained, model of a project. Times are epoch milliseconds. */
export interface ProjectVersion {
  /** Opaque; names the folder of its files. */
  id: string;
  arn: string;
  name: string;
  projectName: string;
  status: VersionStatus;
  statusMessage: string;
  createdAt: number;
  trainingEndedAt?: number;
  minInferenceUnits?: number;
  maxInferenceUnits?: number;
  request: VersionRequest;
  outcome?: TrainingOutcome;
}

const MESSAGES: Record<VersionStatus, string> = {
  TRAINING_IN_PROGRESS: 'The model is being trained.',
  TRAINING_COMPLETED: 'The model is ready to run.',
  TRAINING_FAILED: 'The training failed.',
  STARTING: 'The model is being started.',
  RUNNING: 'The model is running.',
  FAILED: 'The model could not be started.',
  STOPPING: 'The model is being stopped.',
  STOPPED: 'The model is stopped.',
  DELETING: 'The model is being deleted.',
};

type Row = Selectable<Schema['projectVersions']> & { projectName: string };

function fromRow(row: Row): ProjectVersion {
  return {
    id: row.id,
    arn: row.arn,
    name: row.name,
    projectName: row.projectName,
    status: row.status,
    statusMessage: row.statusMessage,
    createdAt: row.createdAt,
    trainingEndedAt: row.trainingEndedAt ?? undefined,
    minInferenceUnits: row.minInferenceUnits ?? undefined,
    maxInferenceUnits: row.maxInferenceUnits ?? undefined,
    request: JSON.parse(row.request),
    outcome: row.outcome === null ? undefined : JSON.parse(row.outcome),
  };
}

function select(database: Database) {
  return database
    .selectFrom('projectVersions')
    .innerJoin('projects', 'projects.id', 'projectVersions.projectId')
    .selectAll('projectVersions')
    .select('projects.name as projectName');
}

async function countInStatus(database: Database, statuses: VersionStatus[]): Promise<number> {
  const { count } = await database
    .selectFrom('projectVersions')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('status', 'in', statuses)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export interface NewVersion {
  projectArn: string;
  name: string;
  request: VersionRequest;
  tags?: Tags;
  /** Versions that a project may have. */
  versionLimit: number;
  /** Trainings at a time, of all projects. */
  trainingLimit: number;
}

/** Stores a version that is to be trained, with its tags, or says why not. */
export async function createVersion(
  database: Database,
  { projectArn, name, request, tags, versionLimit, trainingLimit }: NewVersion,
): Promise<ProjectVersion | 'no-project' | 'name-taken' | 'version-limit' | 'training-limit'> {
  return await database.transaction().execute(async (transaction) => {
    const project = await findProject(transaction, projectArn);
    if (!project) return 'no-project';
    const existing = await transaction
      .selectFrom('projectVersions')
      .select('name')
      .where('projectId', '=', project.id)
      .execute();
    if (existing.some((version) => version.name === name)) return 'name-taken';
    if (existing.length >= versionLimit) return 'version-limit';
    if ((await countInStatus(transaction, ['TRAINING_IN_PROGRESS'])) >= trainingLimit)
      return 'training-limit';
    const createdAt = await nextCreationTime(transaction);
    const { account, region } = project;
    const row = await transaction
      .insertInto('projectVersions')
      .values({
        id: randomUUID(),
        projectId: project.id,
        arn: `arn:aws:rekognition:${region}:${account}:project/${project.name}/version/${name}/${createdAt}`,
        name,
        status: 'TRAINING_IN_PROGRESS',
        statusMessage: MESSAGES.TRAINING_IN_PROGRESS,
        createdAt,
        request: JSON.stringify(request),
      })
      // Where the database runs transactions side by side, the constraint decides.
      .onConflict((conflict) => conflict.columns(['projectId', 'name']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!row) return 'name-taken';
    await insertTags(transaction, row.arn, tags);
    return fromRow({ ...row, projectName: project.name });
  });
}

export async function findVersion(database: Database, arn: string): Promise<ProjectVersion | undefined> {
  const row = await select(database).where('projectVersions.arn', '=', arn).executeTakeFirst();
  return row && fromRow(row);
}

export interface VersionQuery {
  projectId: string;
  /** Exact names; all when absent. */
  names?: string[];
  /** Only those made before this time: where the last page ended. */
  before?: number;
  limit: number;
}

/** Versions of a project, newest first. */
export async function listVersions(database: Database, query: VersionQuery): Promise<ProjectVersion[]> {
  const { projectId, names, before, limit } = query;
  let versions = select(database).where('projectVersions.projectId', '=', projectId);
  if (names) versions = versions.where('projectVersions.name', 'in', names);
  if (before !== undefined) versions = versions.where('projectVersions.createdAt', '<', before);
  const rows = await versions.orderBy('projectVersions.createdAt', 'desc').limit(limit).execute();
  return rows.map(fromRow);
}

/** Every version in one of the statuses, oldest first: what a start takes up again. */
export async function listVersionsInStatus(
  database: Database,
  statuses: VersionStatus[],
): Promise<ProjectVersion[]> {
  const rows = await select(database)
    .where('projectVersions.status', 'in', statuses)
    .orderBy('projectVersions.createdAt')
    .execute();
  return rows.map(fromRow);
}

/** Ids of all versions: the folders that have an owner. */
export async function listVersionIds(database: Database): Promise<string[]> {
  const rows = await database.selectFrom('projectVersions').select('id').execute();
  return rows.map((row) => row.id);
}

/**
 * Moves a version to another status if it is in one of those given, in one statement: of two requests at the same
 * time one wins. False when it wasn't. Without a message the status' own is stored.
 */
export async function moveVersion(
  database: Database,
  id: string,
  from: VersionStatus[],
  to: VersionStatus,
  message = MESSAGES[to],
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('projectVersions')
    .set({ status: to, statusMessage: message })
    .where('id', '=', id)
    .where('status', 'in', from)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Moves a version to STARTING unless its status or the number of running models speaks against it. */
export async function moveVersionToStarting(
  database: Database,
  id: string,
  from: VersionStatus[],
  units: { minimum: number; maximum?: number },
  runningLimit: number,
): Promise<'moved' | 'wrong-status' | 'limit'> {
  return await database.transaction().execute(async (transaction) => {
    const startable = await transaction
      .selectFrom('projectVersions')
      .select('id')
      .where('id', '=', id)
      .where('status', 'in', from)
      .executeTakeFirst();
    if (!startable) return 'wrong-status';
    if ((await countInStatus(transaction, ['STARTING', 'RUNNING'])) >= runningLimit) return 'limit';
    const moved = await moveVersion(transaction, id, from, 'STARTING');
    if (!moved) return 'wrong-status';
    await transaction
      .updateTable('projectVersions')
      .set({ minInferenceUnits: units.minimum, maxInferenceUnits: units.maximum ?? null })
      .where('id', '=', id)
      .execute();
    return 'moved';
  });
}

/** Stores how a training ended. */
export async function finishTraining(
  database: Database,
  id: string,
  outcome: TrainingOutcome,
  endedAt: number,
): Promise<void> {
  await database
    .updateTable('projectVersions')
    .set({
      status: outcome.status,
      statusMessage: outcome.status === 'TRAINING_FAILED' ? outcome.message : MESSAGES.TRAINING_COMPLETED,
      trainingEndedAt: endedAt,
      outcome: JSON.stringify(outcome),
    })
    .where('id', '=', id)
    .where('status', '=', 'TRAINING_IN_PROGRESS')
    .execute();
}

/** Removes a version in DELETING, and its tags. Its files must be gone already. */
export async function deleteVersion(database: Database, id: string): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const version = await transaction
      .deleteFrom('projectVersions')
      .where('id', '=', id)
      .where('status', '=', 'DELETING')
      .returning('arn')
      .executeTakeFirst();
    if (version) await deleteTags(transaction, version.arn);
  });
}
