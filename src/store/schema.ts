import type { Kysely } from 'kysely';

/** Statuses of a project version, as the API spells them. */
export type VersionStatus =
  | 'TRAINING_IN_PROGRESS'
  | 'TRAINING_COMPLETED'
  | 'TRAINING_FAILED'
  | 'STARTING'
  | 'RUNNING'
  | 'FAILED'
  | 'STOPPING'
  | 'STOPPED'
  | 'DELETING'
  | 'COPYING_IN_PROGRESS'
  | 'COPYING_COMPLETED'
  | 'COPYING_FAILED';

/** Times are epoch milliseconds everywhere. */
interface ProjectTable {
  id: string;
  arn: string;
  account: string;
  region: string;
  name: string;
  createdAt: number;
}

interface ProjectVersionTable {
  /** Names folders, since version names may be `..`. */
  id: string;
  projectId: string;
  arn: string;
  name: string;
  status: VersionStatus;
  statusMessage: string;
  createdAt: number;
  trainingEndedAt: number | null;
  minInferenceUnits: number | null;
  maxInferenceUnits: number | null;
  /** JSON of a `VersionRequest`. */
  request: string;
  /** JSON of a `TrainingOutcome`, once there is one. */
  outcome: string | null;
  /** Of a copy: id and ARN of the version it was copied from, which may be gone by now. */
  sourceId: string | null;
  sourceArn: string | null;
}

interface ProjectPolicyTable {
  projectId: string;
  name: string;
  revisionId: string;
  /** The text as it was given. */
  document: string;
  createdAt: number;
  updatedAt: number;
}

interface TagTable {
  resourceArn: string;
  key: string;
  value: string;
}

/** One row: the last creation time given out. */
interface ClockTable {
  id: number;
  lastTime: number;
}

/** Values that the server makes once and keeps. */
interface SecretTable {
  name: string;
  value: string;
}

/** Column names are snake case in SQL, camel case here. */
export interface Schema {
  projects: ProjectTable;
  projectVersions: ProjectVersionTable;
  projectPolicies: ProjectPolicyTable;
  tags: TagTable;
  clock: ClockTable;
  secrets: SecretTable;
}

/** The metadata database, or a transaction on it. */
export type Database = Kysely<Schema>;
