import { resolve } from 'node:path';
import { z } from 'zod';

const limit = (standard: number) => z.coerce.number().int().min(1).default(standard);
const port = z.coerce.number().int().min(0).max(65535);

/** Every setting, its environment variable, its default. Read once at start. */
const settings = z.object({
  /** Port to listen on; 0 picks a free one. */
  OCELLUS_PORT: port.default(4599),
  /** Address to listen on. */
  OCELLUS_HOST: z.string().min(1).default('127.0.0.1'),
  /** Folder of everything the server keeps: database, models, credentials, buckets. */
  OCELLUS_DATA_DIR: z.string().min(1).default('./ocellus-data'),
  /** The administrator's key pair, instead of the one made on first start. Both or neither. */
  OCELLUS_ACCESS_KEY_ID: z.string().min(1).max(128).optional(),
  OCELLUS_SECRET_ACCESS_KEY: z.string().min(1).max(128).optional(),
  /** Account number in ARNs. */
  OCELLUS_ACCOUNT_ID: z
    .string()
    .regex(/^\d{12}$/, 'must be 12 digits')
    .default('000000000000'),
  /** Region that the start-up lines tell clients to use. Requests may name any. */
  OCELLUS_REGION: z
    .string()
    .regex(/^[a-z\d-]+$/, 'must be a region name such as us-east-1')
    .default('us-east-1'),
  /** Projects of an account in a Region; a further CreateProject is refused. */
  OCELLUS_MAX_PROJECTS: limit(100),
  /** Versions of a project. */
  OCELLUS_MAX_VERSIONS: limit(100),
  /** Resource policies of a project. */
  OCELLUS_MAX_POLICIES: limit(5),
  /** Trainings at a time; a further CreateProjectVersion is refused. */
  OCELLUS_MAX_TRAININGS: limit(2),
  /** Models running at a time; a further StartProjectVersion is refused. */
  OCELLUS_MAX_RUNNING_MODELS: limit(2),
  /** Inference units of one running model. */
  OCELLUS_MAX_INFERENCE_UNITS: limit(5),
  /** Copies being made at a time; a further CopyProjectVersion is refused. */
  OCELLUS_MAX_COPIES: limit(5),
  /** How long a training may take: `fast` for tests and first looks, `balanced` for use. */
  OCELLUS_BUDGET: z.enum(['fast', 'balanced']).default('balanced'),
  /** Seed of every random choice in a training. */
  OCELLUS_SEED: z.coerce.number().int().min(0).max(0xffffffff).default(0),
});

export interface Config {
  port: number;
  host: string;
  dataDirectory: string;
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  accountId: string;
  region: string;
  maximumProjects: number;
  maximumVersions: number;
  maximumPolicies: number;
  maximumTrainings: number;
  maximumRunningModels: number;
  maximumInferenceUnits: number;
  maximumCopies: number;
  budget: 'fast' | 'balanced';
  seed: number;
}

/** Reads the settings from environment variables. Throws an Error whose message lists everything wrong. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = settings.safeParse(given);
  if (error) {
    throw new Error(error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const { OCELLUS_ACCESS_KEY_ID: accessKeyId, OCELLUS_SECRET_ACCESS_KEY: secretAccessKey } = data;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new Error('OCELLUS_ACCESS_KEY_ID and OCELLUS_SECRET_ACCESS_KEY: set both or neither.');
  }
  return {
    port: data.OCELLUS_PORT,
    host: data.OCELLUS_HOST,
    dataDirectory: resolve(data.OCELLUS_DATA_DIR),
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    accountId: data.OCELLUS_ACCOUNT_ID,
    region: data.OCELLUS_REGION,
    maximumProjects: data.OCELLUS_MAX_PROJECTS,
    maximumVersions: data.OCELLUS_MAX_VERSIONS,
    maximumPolicies: data.OCELLUS_MAX_POLICIES,
    maximumTrainings: data.OCELLUS_MAX_TRAININGS,
    maximumRunningModels: data.OCELLUS_MAX_RUNNING_MODELS,
    maximumInferenceUnits: data.OCELLUS_MAX_INFERENCE_UNITS,
    maximumCopies: data.OCELLUS_MAX_COPIES,
    budget: data.OCELLUS_BUDGET,
    seed: data.OCELLUS_SEED,
  };
}
