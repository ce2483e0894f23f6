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

/** Statuses of a data set, as the API spells them. */
export type DatasetStatus =
  | 'CREATE_IN_PROGRESS'
  | 'CREATE_COMPLETE'
  | 'CREATE_FAILED'
  | 'UPDATE_IN_PROGRESS'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_FAILED'
  | 'DELETE_IN_PROGRESS';

export type DatasetType = 'TRAIN' | 'TEST';

/** How the last change of a data set ended; whose fault it was when it failed. */
export type DatasetStatusCode = 'SUCCESS' | 'SERVICE_ERROR' | 'CLIENT_ERROR';

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

interface DatasetTable {
  /** The creation time, which no other resource has: short in every key of its entries. */
  id: number;
  projectId: string;
  arn: string;
  type: DatasetType;
  status: DatasetStatus;
  statusMessage: string;
  /** Null while something is in progress. */
  statusCode: DatasetStatusCode | null;
  createdAt: number;
  updatedAt: number;
  /** JSON of a `DatasetJob` while one is in progress. */
  job: string | null;
  /** The highest position that was ever given to an entry. */
  lastPosition: number;
  totalEntries: number;
  labeledEntries: number;
  errorEntries: number;
}

/** One image of a data set. Flags are 0 or 1. */
interface DatasetEntryTable {
  datasetId: number;
  /** Order of the listing: entries keep theirs when they are replaced. */
  position: number;
  sourceRef: string;
  labeled: number;
  errors: number;
  /** Errors or warnings. */
  findings: number;
}

/** The JSON line of an entry without anything that a check found. */
interface DatasetLineTable {
  datasetId: number;
  position: number;
  line: string;
}

/** A usable label of an entry. */
interface DatasetLabelTable {
  datasetId: number;
  label: string;
  /** The entry's flag. */
  errors: number;
  position: number;
  /** 1 when a bounding box has the label. */
  boxed: number;
}

/** How many entries of a data set have a label, on a bounding box or at all. */
interface DatasetLabelCountTable {
  datasetId: number;
  label: string;
  entries: number;
  boxedEntries: number;
}

/** What a job in progress is about to do: the JSON lines of an update, the positions (JSON) of a distribution. */
interface DatasetChangeTable {
  datasetId: number;
  lines: string;
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
  datasets: DatasetTable;
  datasetEntries: DatasetEntryTable;
  datasetLines: DatasetLineTable;
  datasetLabels: DatasetLabelTable;
  datasetLabelCounts: DatasetLabelCountTable;
  datasetChanges: DatasetChangeTable;
  tags: TagTable;
  clock: ClockTable;
  secrets: SecretTable;
}

/** The metadata database, or a transaction on it. */
export type Database = Kysely<Schema>;
