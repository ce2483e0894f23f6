import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { ObjectSettings } from './objects/open.ts';
import { BUDGETS, type Budget } from './vision/budget.ts';

/** A whole number. What is refused is told with what would do. */
function whole(standard: number, minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  const range =
    maximum === Number.MAX_SAFE_INTEGER ? `of ${minimum} or more` : `from ${minimum} to ${maximum}`;
  const fits = (text: string) => /^\d+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum;
  const error = ({ input }: { input?: unknown }) =>
    `must be a whole number ${range}, not "${input}". Without it, ${standard} is used.`;
  return z.string().refine(fits, { error }).transform(Number).default(standard);
}
const limit = (standard: number) => whole(standard, 1);

/** Every setting, its environment variable, its default. Read once at start. */
const settings = z.object({
  /** Port to listen on; 0 picks a free one. */
  OCELLUS_PORT: whole(4599, 0, 65535),
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
  /** How long a training may take; a version's tag `ocellus:budget` has precedence. */
  OCELLUS_BUDGET: z.enum(BUDGETS).default('balanced'),
  /** `NAME.domain` in the Host header of an S3 request names a bucket (virtual-host style). */
  OCELLUS_S3_DOMAIN: z
    .string()
    .regex(/^[a-z\d.-]+$/, 'must be a host name in lower case')
    .default('localhost'),
  /** Address of an S3 service. When set, all buckets are there, instead of in folders of the data directory. */
  OCELLUS_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional(),
  /** Region of that service; OCELLUS_REGION when absent. */
  OCELLUS_S3_REGION: z.string().min(1).optional(),
  /** `true` for ENDPOINT/BUCKET/KEY, `false` for BUCKET.ENDPOINT/KEY, which Amazon S3 prefers. */
  OCELLUS_S3_PATH_STYLE: z.enum(['true', 'false']).default('true'),
  /** Key pair for that service. Neither: the AWS SDK's own search (AWS_ACCESS_KEY_ID …, ~/.aws, instance role). */
  OCELLUS_S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  OCELLUS_S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  /**
   * What trainings start from: path or address of an ONNX file, its description beside it (docs/backbones.md), or `none`
   * for fresh weights. The backbone that comes with Ocellus when absent.
   */
  OCELLUS_BACKBONE: z.string().min(1).optional(),
  /** Seed of every random choice in a training. */
  OCELLUS_SEED: whole(0, 0, 0xffffffff),
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
  budget: Budget;
  seed: number;
  /** Path or address of what trainings start from, or `none`; the backbone that comes with Ocellus when absent. */
  backbone: string | undefined;
  /** Where the buckets are. */
  objects: ObjectSettings;
  s3Domain: string;
}

/** Reads the settings from environment variables. Throws an Error whose message lists everything wrong. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = settings.safeParse(given);
  if (error) {
    throw new Error(error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const dataDirectory = resolve(data.OCELLUS_DATA_DIR);
  return {
    port: data.OCELLUS_PORT,
    host: data.OCELLUS_HOST,
    dataDirectory,
    credentials: keyPair(data, 'OCELLUS_'),
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
    backbone: data.OCELLUS_BACKBONE,
    objects: readObjectSettings(data, dataDirectory),
    s3Domain: data.OCELLUS_S3_DOMAIN,
  };
}

type Settings = z.output<typeof settings>;

function keyPair(data: Settings, prefix: 'OCELLUS_' | 'OCELLUS_S3_') {
  const accessKeyId = data[`${prefix}ACCESS_KEY_ID`];
  const secretAccessKey = data[`${prefix}SECRET_ACCESS_KEY`];
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new Error(`${prefix}ACCESS_KEY_ID and ${prefix}SECRET_ACCESS_KEY: set both or neither.`);
  }
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
}

function readObjectSettings(data: Settings, dataDirectory: string): ObjectSettings {
  if (data.OCELLUS_S3_ENDPOINT === undefined) return { folder: join(dataDirectory, 'buckets') };
  return {
    s3: {
      endpoint: data.OCELLUS_S3_ENDPOINT,
      region: data.OCELLUS_S3_REGION ?? data.OCELLUS_REGION,
      pathStyle: data.OCELLUS_S3_PATH_STYLE === 'true',
      credentials: keyPair(data, 'OCELLUS_S3_'),
    },
  };
}
