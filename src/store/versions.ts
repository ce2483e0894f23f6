import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { ObjectRef } from '../objects/objects.ts';
import type { TrainingOutcome } from '../training/outcome.ts';
import type { Budget } from '../vision/budget.ts';
import { nextCreationTime } from './clock.ts';
import { listDatasets } from './datasets.ts';
import { findProject } from './projects.ts';
import type { Database, DatasetType, Schema, VersionStatus } from './schema.ts';
import { deleteTags, insertTags, type Tags } from './tags.ts';

/** What CreateProjectVersion or CopyProjectVersion asked for. */
export interface VersionRequest {
  /** Absent for a copy, and when the project's data sets are used. */
  training?: ObjectRef;
  /** Absent when the test set is to be split off the training set. */
  testing?: ObjectRef;
  /** Ids of the data sets that are used, instead of manifests. */
  datasets?: { training: number; testing?: number };
  output: { bucket: string; prefix?: string };
  description?: string;
  /** What the training starts from (SHA-256 of the file, hexadecimal), as it was set then; fresh weights when absent. */
  backbone?: { name: string; checksum: string };
  /** How long to train, when the request said so; the server's setting when absent. */
  budget?: Budget;
}

/** Ids of the data sets that a training reads. */
export function trainedDatasets({ datasets }: VersionRequest): number[] {
  return [datasets?.training, datasets?.testing].filter((id) => id !== undefined);
}

/** One model of a project: trained or copied, or to be. Times are epoch milliseconds. */
export interface ProjectVersion {
  /** Opaque; names the folder of its files. */
  id: string;
  arn: string;
  name: string;
  projectId: string;
  projectName: string;
  status: VersionStatus;
  statusMessage: string;
  createdAt: number;
  trainingEndedAt?: number;
  minInferenceUnits?: number;
  maxInferenceUnits?: number;
  request: VersionRequest;
  /** How the training ended; of a copy, what it took over from its source. */
  outcome?: TrainingOutcome;
  /** Of a copy: the version it was copied from, which may be gone by now. */
  source?: { id: string; arn: string };
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
  COPYING_IN_PROGRESS: 'The model is being copied.',
  COPYING_COMPLETED: 'The model is ready to run.',
  COPYING_FAILED: 'The model could not be copied.',
};

type Row = Selectable<Schema['projectVersions']> & { projectName: string };

function fromRow(row: Row): ProjectVersion {
  return {
    id: row.id,
    arn: row.arn,
    name: row.name,
    projectId: row.projectId,
    projectName: row.projectName,
    status: row.status,
    statusMessage: row.statusMessage,
    createdAt: row.createdAt,
    trainingEndedAt: row.trainingEndedAt ?? undefined,
    minInferenceUnits: row.minInferenceUnits ?? undefined,
    maxInferenceUnits: row.maxInferenceUnits ?? undefined,
    request: JSON.parse(row.request),
    outcome: row.outcome === null ? undefined : JSON.parse(row.outcome),
    source:
      row.sourceId === null || row.sourceArn === null ? undefined : { id: row.sourceId, arn: row.sourceArn },
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
  /** Versions that may be trained, or copied, at a time, of all projects. */
  busyLimit: number;
}

type Refusal =
  | 'no-project'
  | 'has-datasets'
  | 'datasets-changing'
  | 'name-taken'
  | 'version-limit'
  | 'busy-limit';

/** Stores a version that is to be trained, with its tags, or says why not. */
export async function createVersion(
  database: Database,
  version: NewVersion,
): Promise<ProjectVersion | Refusal> {
  return await database
    .transaction()
    .execute((transaction) => insertVersion(transaction, version, 'TRAINING_IN_PROGRESS'));
}

/**
 * Stores a version that is to be copied from another one in one of the statuses given, with its tags, or says why
 * not. While it is copied its source can't be deleted.
 */
export async function createCopy(
  database: Database,
  version: NewVersion,
  source: { arn: string; statuses: VersionStatus[] },
): Promise<ProjectVersion | Refusal | 'wrong-source-status'> {
  return await database.transaction().execute(async (transaction) => {
    const found = await findVersion(transaction, source.arn);
    if (!found || !source.statuses.includes(found.status)) return 'wrong-source-status';
    return await insertVersion(transaction, version, 'COPYING_IN_PROGRESS', found);
  });
}

async function insertVersion(
  transaction: Database,
  { projectArn, name, request, tags, versionLimit, busyLimit }: NewVersion,
  status: 'TRAINING_IN_PROGRESS' | 'COPYING_IN_PROGRESS',
  source?: ProjectVersion,
): Promise<ProjectVersion | Refusal> {
  const project = await findProject(transaction, projectArn);
  if (!project) return 'no-project';
  const refusal = source ? undefined : await refuseData(transaction, project.id, request);
  if (refusal) return refusal;
  const existing = await transaction
    .selectFrom('projectVersions')
    .select('name')
    .where('projectId', '=', project.id)
    .execute();
  if (existing.some((version) => version.name === name)) return 'name-taken';
  if (existing.length >= versionLimit) return 'version-limit';
  if ((await countInStatus(transaction, [status])) >= busyLimit) return 'busy-limit';
  const createdAt = await nextCreationTime(transaction);
  const { account, region } = project;
  const row = await transaction
    .insertInto('projectVersions')
    .values({
      id: randomUUID(),
      projectId: project.id,
      arn: `arn:aws:rekognition:${region}:${account}:project/${project.name}/version/${name}/${createdAt}`,
      name,
      status,
      statusMessage: MESSAGES[status],
      createdAt,
      request: JSON.stringify(request),
      sourceId: source?.id,
      sourceArn: source?.arn,
    })
    // Where the database runs transactions side by side, the constraint decides.
    .onConflict((conflict) => conflict.columns(['projectId', 'name']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) return 'name-taken';
  await insertTags(transaction, row.arn, tags);
  return fromRow({ ...row, projectName: project.name });
}

/** A project with data sets is trained from them, and only when they are complete. */
async function refuseData(
  transaction: Database,
  projectId: string,
  { datasets: wanted }: VersionRequest,
): Promise<'has-datasets' | 'datasets-changing' | undefined> {
  const datasets = await listDatasets(transaction, [projectId]);
  if (!wanted) return datasets.length > 0 ? 'has-datasets' : undefined;
  const id = (type: DatasetType) => datasets.find((dataset) => dataset.type === type)?.id;
  const same = id('TRAIN') === wanted.training && id('TEST') === wanted.testing;
  const complete = datasets.every(({ status }) => status.endsWith('_COMPLETE'));
  return same && complete ? undefined : 'datasets-changing';
}

export async function findVersion(database: Database, arn: string): Promise<ProjectVersion | undefined> {
  const row = await select(database).where('projectVersions.arn', '=', arn).executeTakeFirst();
  return row && fromRow(row);
}

/** A version by the id that no other one, before or after it, has. */
export async function findVersionById(database: Database, id: string): Promise<ProjectVersion | undefined> {
  const row = await select(database).where('projectVersions.id', '=', id).executeTakeFirst();
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

/** Moves a version to DELETING unless its status or a copy that is being made of it speaks against it. */
export async function moveVersionToDeleting(
  database: Database,
  id: string,
  from: VersionStatus[],
): Promise<'moved' | 'wrong-status' | 'being-copied'> {
  return await database.transaction().execute(async (transaction) => {
    const copy = await transaction
      .selectFrom('projectVersions')
      .select('id')
      .where('sourceId', '=', id)
      .where('status', '=', 'COPYING_IN_PROGRESS')
      .limit(1)
      .executeTakeFirst();
    if (copy) return 'being-copied';
    return (await moveVersion(transaction, id, from, 'DELETING')) ? 'moved' : 'wrong-status';
  });
}

/** The status' own message first: software may look at how it begins. */
function endMessage(outcome: TrainingOutcome): string {
  if (outcome.status === 'TRAINING_FAILED') return outcome.message;
  const { notes = [] } = outcome;
  return [MESSAGES.TRAINING_COMPLETED, ...notes.map((note) => `(${note})`)].join(' ');
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
      statusMessage: endMessage(outcome),
      trainingEndedAt: endedAt,
      outcome: JSON.stringify(outcome),
    })
    .where('id', '=', id)
    .where('status', '=', 'TRAINING_IN_PROGRESS')
    .execute();
}

/** Stores how a copying ended: with what its source's training found and the copy's own files, or with a reason. */
export async function finishCopy(
  database: Database,
  id: string,
  end: { outcome: TrainingOutcome } | { failure: string },
): Promise<void> {
  await database
    .updateTable('projectVersions')
    .set(
      'outcome' in end
        ? {
            status: 'COPYING_COMPLETED',
            statusMessage: MESSAGES.COPYING_COMPLETED,
            outcome: JSON.stringify(end.outcome),
          }
        : { status: 'COPYING_FAILED', statusMessage: end.failure },
    )
    .where('id', '=', id)
    .where('status', '=', 'COPYING_IN_PROGRESS')
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
