import { z } from 'zod';

// The shapes of the API's members. Every check carries AWS's text for its failure as its message, so that
// protocol/validate.ts can print a failure without knowing the shape. A wrong JSON type is zod's own
// `invalid_type`; an absent required member is `invalid_type` of undefined.

/** The named patterns, as AWS prints them. All of them match the whole string. */
const patterns = {
  projectArn: String.raw`(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`,
  projectVersionArn: String.raw`(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/version\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`,
  datasetArn: String.raw`(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/dataset\/(train|test)\/[0-9]+$)`,
  name: String.raw`[a-zA-Z0-9_.\-]+`,
  tagKey: String.raw`^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`,
  tagValue: String.raw`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`,
  bucket: String.raw`[0-9A-Za-z\.\-_]*`,
  kmsKeyId: '^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$',
  label: '.{1,}',
  query: String.raw`.*\S.*`,
  description: "[a-zA-Z0-9-_. ()':,;?]+",
  revision: '[0-9A-Fa-f]+',
  policyDocument: String.raw`[\u0009\u000A\u000D\u0020-\u00FF]+`,
  token: '^[a-zA-Z0-9-_]+$',
  noSpace: String.raw`\S*`,
  loopName: '^[a-z0-9](-*[a-z0-9])*',
} as const;

interface Limits {
  minimum?: number;
  maximum?: number;
}

interface StringLimits extends Limits {
  pattern?: string;
}

const atLeast = (what: 'length' | 'value', n: number) =>
  `Member must have ${what} greater than or equal to ${n}`;
const atMost = (what: 'length' | 'value', n: number) => `Member must have ${what} less than or equal to ${n}`;
const matches = (pattern: string) => `Member must satisfy regular expression pattern: ${pattern}`;
const oneOf = (values: readonly string[]) => `Member must satisfy enum value set: [${values.join(', ')}]`;
const allOf = (texts: string[]) => `Member must satisfy constraint: [${texts.join(', ')}]`;

/** What AWS says of each element, key or value when one of them is wrong: all that it must satisfy. */
const constraints = z.registry<{ texts: string[] }>();

const wholeString = (pattern: string) => new RegExp(`^(?:${pattern})$`, 'u');

/**
 * A string of so many characters that matches the pattern as a whole. Its checks are refinements because zod's own
 * ones of a length look at everything that has one: a structure with a member `length`, too.
 */
export function string({ minimum = 0, maximum, pattern }: StringLimits = {}) {
  const texts: string[] = [];
  let schema = z.string();
  if (maximum !== undefined) {
    texts.push(atMost('length', maximum));
    schema = schema.refine((text) => text.length <= maximum, texts.at(-1));
  }
  if (minimum > 0) {
    texts.push(atLeast('length', minimum));
    schema = schema.refine((text) => text.length >= minimum, texts.at(-1));
  }
  if (pattern !== undefined) {
    texts.push(matches(pattern));
    schema = schema.regex(wholeString(pattern), texts.at(-1));
  }
  return schema.register(constraints, { texts });
}

/** One of the given strings. */
export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  // Without a value the usual "must not be null" applies, so the text is only for a string that isn't listed.
  const schema = z.enum(values, {
    error: (issue) => (issue.code === 'invalid_value' ? oneOf(values) : undefined),
  });
  return schema.register(constraints, { texts: [oneOf(values)] });
}

/** An `integer` member: JSON number of 32 bits without a fraction (70.0 is one). */
export function integer({ minimum, maximum }: Limits = {}) {
  const whole = z
    // The name of the type that was wanted, which zod would call a number.
    .number({ error: (issue) => (issue.code === 'invalid_type' ? 'Integer' : undefined) })
    .refine((value) => value === (value | 0), { params: { wrongType: 'Integer' }, abort: true });
  return ranged(whole, { minimum, maximum });
}

/** A `float` member. */
export function float(limits: Limits = {}) {
  return ranged(z.number(), limits);
}

function ranged(schema: z.ZodNumber, { minimum, maximum }: Limits) {
  let result = schema;
  if (minimum !== undefined) result = result.min(minimum, atLeast('value', minimum));
  if (maximum !== undefined) result = result.max(maximum, atMost('value', maximum));
  return result;
}

/** Strings of one kind. AWS reports the list when one of its elements is wrong. */
export function listOf<Element extends z.ZodType<string>>(
  element: Element,
  { minimum, maximum }: Limits = {},
) {
  const texts = constraints.get(element)?.texts ?? [];
  let list = z.array(z.string());
  if (maximum !== undefined) {
    list = list.refine((values) => values.length <= maximum, atMost('length', maximum));
  }
  if (minimum !== undefined) {
    list = list.refine((values) => values.length >= minimum, atLeast('length', minimum));
  }
  return list
    .refine((values) => values.every((value) => element.safeParse(value).success), allOf(texts))
    .transform((values) => values as z.output<Element>[]);
}

/** A map of strings to strings. AWS reports the map when one of its keys or values is wrong. */
export function mapOf(key: z.ZodString, value: z.ZodString, { maximum }: Limits = {}) {
  const keyTexts = constraints.get(key)?.texts ?? [];
  const valueTexts = constraints.get(value)?.texts ?? [];
  let map = z.record(z.string(), z.string());
  if (maximum !== undefined) {
    map = map.refine((entries) => Object.keys(entries).length <= maximum, atMost('length', maximum));
  }
  return map
    .refine(
      (entries) => Object.keys(entries).every((name) => key.safeParse(name).success),
      `Map keys must satisfy constraint: [${keyTexts.join(', ')}]`,
    )
    .refine(
      (entries) => Object.values(entries).every((text) => value.safeParse(text).success),
      `Map value must satisfy constraint: [${valueTexts.join(', ')}]`,
    );
}

const isBase64 = (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

/** Bytes, base64 with padding in JSON; handlers get a Buffer. Limits count decoded bytes. */
export function blob({ minimum = 0, maximum = Number.POSITIVE_INFINITY }: Limits = {}) {
  return z
    .string()
    .refine(isBase64, { params: { wrongType: 'Blob' }, abort: true })
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((bytes) => bytes.length >= minimum, atLeast('length', minimum))
    .refine((bytes) => bytes.length <= maximum, atMost('length', maximum));
}

const arn = (pattern: string) => string({ minimum: 20, maximum: 2048, pattern });

export const ProjectArn = arn(patterns.projectArn);
export const ProjectVersionArn = arn(patterns.projectVersionArn);
export const DatasetArn = arn(patterns.datasetArn);

const name = () => string({ minimum: 1, maximum: 255, pattern: patterns.name });

export const ProjectName = name();
export const VersionName = name();
/** Names to describe: one to ten. */
export const ProjectNames = listOf(name(), { minimum: 1, maximum: 10 });
export const VersionNames = listOf(name(), { minimum: 1, maximum: 10 });

export const Feature = choice(['CONTENT_MODERATION', 'CUSTOM_LABELS']);
export const Features = listOf(Feature, { minimum: 1, maximum: 2 });
export const AutoUpdate = choice(['ENABLED', 'DISABLED']);

export const VersionDescription = string({ minimum: 1, maximum: 255, pattern: patterns.description });
export const KmsKeyId = string({ minimum: 1, maximum: 2048, pattern: patterns.kmsKeyId });
const TagKey = string({ minimum: 1, maximum: 128, pattern: patterns.tagKey });
/** Tags of one resource, and of one call. */
export const MAXIMUM_TAGS = 200;
export const Tags = mapOf(TagKey, string({ maximum: 256, pattern: patterns.tagValue }), {
  maximum: MAXIMUM_TAGS,
});
export const TagKeys = listOf(TagKey, { minimum: 0, maximum: MAXIMUM_TAGS });
/** An ARN of any kind of resource. */
export const ResourceArn = string({ minimum: 20, maximum: 2048 });

export const PolicyName = string({ minimum: 1, maximum: 128, pattern: patterns.name });
export const PolicyRevisionId = string({ maximum: 64, pattern: patterns.revision });
export const PolicyDocument = string({ minimum: 1, maximum: 2000, pattern: patterns.policyDocument });

/** An empty token means the first page; handlers treat it as absent. */
export const PageToken = string({ maximum: 1024 });
export const PageSize = integer({ minimum: 1, maximum: 100 });
/** ListProjectPolicies has smaller pages. */
export const PolicyPageSize = integer({ minimum: 1, maximum: 5 });
/** ListMediaAnalysisJobs refuses more than 100 itself, as a parameter and not as a shape. */
export const JobPageSize = integer({ minimum: 1 });
export const InferenceUnits = integer({ minimum: 1 });
/** DetectCustomLabels: zero is legal. */
export const MaxLabels = integer({ minimum: 0 });
export const Percent = float({ minimum: 0, maximum: 100 });

const Bucket = string({ minimum: 3, maximum: 255, pattern: patterns.bucket });
const ObjectKey = string({ minimum: 1, maximum: 1024 });

export const S3Object = z.object({
  Bucket: Bucket.optional(),
  Name: ObjectKey.optional(),
  Version: string({ minimum: 1, maximum: 1024 }).optional(),
});
export type S3Object = z.output<typeof S3Object>;

export const GroundTruthManifest = z.object({ S3Object: S3Object.optional() });
export const Asset = z.object({ GroundTruthManifest: GroundTruthManifest.optional() });
export type Asset = z.output<typeof Asset>;

export const TrainingData = z.object({ Assets: z.array(Asset).optional() });
export type TrainingData = z.output<typeof TrainingData>;
export const TestingData = z.object({
  Assets: z.array(Asset).optional(),
  AutoCreate: z.boolean().optional(),
});
export type TestingData = z.output<typeof TestingData>;

export const DatasetType = choice(['TRAIN', 'TEST']);
export const DatasetSource = z.object({
  GroundTruthManifest: GroundTruthManifest.optional(),
  DatasetArn: DatasetArn.optional(),
});
export type DatasetSource = z.output<typeof DatasetSource>;
export const ContainsLabels = listOf(string({ minimum: 1, maximum: 255, pattern: patterns.label }), {
  minimum: 1,
  maximum: 10,
});
export const SourceRefContains = string({ minimum: 1, maximum: 2048, pattern: patterns.query });
export const DatasetChanges = z.object({ GroundTruth: blob({ minimum: 1, maximum: 5 * 1024 * 1024 }) });
export const DistributeDatasets = z
  .array(z.object({ Arn: DatasetArn }))
  .refine((datasets) => datasets.length >= 2, atLeast('length', 2))
  .refine((datasets) => datasets.length <= 2, atMost('length', 2));

export const OutputConfig = z.object({
  S3Bucket: Bucket.optional(),
  S3KeyPrefix: string({ maximum: 1024 }).optional(),
});
export type OutputConfig = z.output<typeof OutputConfig>;

export const Image = z.object({
  Bytes: blob({ minimum: 1, maximum: 5 * 1024 * 1024 }).optional(),
  S3Object: S3Object.optional(),
});
export type Image = z.output<typeof Image>;

export const CustomizationFeatureConfig = z.object({
  ContentModeration: z.object({ ConfidenceThreshold: Percent.optional() }).optional(),
});
export type CustomizationFeatureConfig = z.output<typeof CustomizationFeatureConfig>;

export const HumanLoopConfig = z.object({
  HumanLoopName: string({ minimum: 1, maximum: 63, pattern: patterns.loopName }),
  FlowDefinitionArn: string({ maximum: 256 }),
  DataAttributes: z
    .object({
      ContentClassifiers: listOf(
        choice(['FreeOfPersonallyIdentifiableInformation', 'FreeOfAdultContent']),
      ).optional(),
    })
    .optional(),
});

const jobName = (pattern: string) => string({ minimum: 1, maximum: 64, pattern });
export const JobName = jobName(patterns.name);
export const JobId = jobName(patterns.token);
export const ClientRequestToken = jobName(patterns.token);
export const MediaAnalysisInput = z.object({ S3Object });
export const MediaAnalysisOperationsConfig = z.object({
  DetectModerationLabels: z
    .object({ MinConfidence: Percent.optional(), ProjectVersion: ProjectVersionArn.optional() })
    .optional(),
});
export const MediaAnalysisOutputConfig = z.object({
  S3Bucket: Bucket,
  S3KeyPrefix: string({ maximum: 800, pattern: patterns.noSpace }).optional(),
});
