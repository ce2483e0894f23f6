// Members and structures that several operations share.
import {
  blob,
  boolean,
  float,
  integer,
  list,
  type MapShape,
  oneOf,
  required,
  string,
  structure,
} from './shape.ts';

const PROJECT_ARN = String.raw`(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`;
const VERSION_ARN = String.raw`(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/version\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`;
const DATASET_ARN = String.raw`(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/dataset\/(train|test)\/[0-9]+$)`;
const NAME = String.raw`[a-zA-Z0-9_.\-]+`;
const TAG_KEY = String.raw`^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`;
const TAG_VALUE = String.raw`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`;
const BUCKET = String.raw`[0-9A-Za-z\.\-_]*`;
const KMS = '^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$';
const DESCRIPTION = "[a-zA-Z0-9-_. ()':,;?]+";
const LABEL = '.{1,}';
const REVISION = '[0-9A-Fa-f]+';
const POLICY_DOC = String.raw`[\u0009\u000A\u000D\u0020-\u00FF]+`;
const TOKEN = '^[a-zA-Z0-9-_]+$';
const NOSPACE = String.raw`\S*`;

export const ProjectArn = string(20, 2048, PROJECT_ARN);
export const ProjectVersionArn = string(20, 2048, VERSION_ARN);
export const DatasetArn = string(20, 2048, DATASET_ARN);
export const ResourceArn = string(20, 2048);
export const Name = string(1, 255, NAME);
export const PolicyName = string(1, 128, NAME);
export const Description = string(1, 255, DESCRIPTION);
export const KmsKeyId = string(1, 2048, KMS);
export const LabelName = string(1, 255, LABEL);
export const PageToken = string(0, 1024);
export const PageSize = integer(1, 100);
export const Percent = float(0, 100);
export const PolicyRevisionId = string(0, 64, REVISION);
export const PolicyDocument = string(1, 2000, POLICY_DOC);
export const JobName = string(1, 64, NAME);
export const JobId = string(1, 64, TOKEN);
export const VersionStatus = oneOf(
  'TRAINING_IN_PROGRESS',
  'TRAINING_COMPLETED',
  'TRAINING_FAILED',
  'STARTING',
  'RUNNING',
  'FAILED',
  'STOPPING',
  'STOPPED',
  'DELETING',
  'COPYING_IN_PROGRESS',
  'COPYING_COMPLETED',
  'COPYING_FAILED',
  'DEPRECATED',
  'EXPIRED',
);
export const DatasetStatus = oneOf(
  'CREATE_IN_PROGRESS',
  'CREATE_COMPLETE',
  'CREATE_FAILED',
  'UPDATE_IN_PROGRESS',
  'UPDATE_COMPLETE',
  'UPDATE_FAILED',
  'DELETE_IN_PROGRESS',
);
export const ProjectStatus = oneOf('CREATING', 'CREATED', 'DELETING');
export const Feature = oneOf('CONTENT_MODERATION', 'CUSTOM_LABELS');
export const AutoUpdate = oneOf('ENABLED', 'DISABLED');
export const DatasetType = oneOf('TRAIN', 'TEST');
export const DatasetStatusCode = oneOf('SUCCESS', 'SERVICE_ERROR', 'CLIENT_ERROR');
export const TagKey = string(1, 128, TAG_KEY);
export const ObjectKey = string(1, 1024);
export const Bucket = string(3, 255, BUCKET);

export const Tags: MapShape = {
  kind: 'map',
  key: TagKey,
  value: string(0, 256, TAG_VALUE),
  maximum: 200,
};

export const S3Object = structure({
  Bucket,
  Name: ObjectKey,
  Version: ObjectKey,
});
export const GroundTruthManifest = structure({
  S3Object,
});
export const Asset = structure({
  GroundTruthManifest,
});
export const TrainingData = structure({
  Assets: list(Asset),
});
export const TestingData = structure({
  Assets: list(Asset),
  AutoCreate: boolean,
});
export const ValidationData = structure({
  Assets: list(Asset),
});
export const OutputConfig = structure({
  S3Bucket: Bucket,
  S3KeyPrefix: PageToken,
});
export const Image = structure({
  Bytes: blob(1, 5242880),
  S3Object,
});
export const CustomizationFeatureConfig = structure({
  ContentModeration: structure({
    ConfidenceThreshold: Percent,
  }),
});
export const MediaAnalysisOperationsConfig = structure({
  DetectModerationLabels: structure({
    MinConfidence: Percent,
    ProjectVersion: ProjectVersionArn,
  }),
});
export const MediaAnalysisInput = structure({
  S3Object: required(S3Object),
});
export const MediaAnalysisOutputConfig = structure({
  S3Bucket: required(Bucket),
  S3KeyPrefix: string(0, 800, NOSPACE),
});
export const MediaAnalysisResults = structure({
  S3Object,
  ModelVersions: structure({
    Moderation: string(),
  }),
});
export const MediaAnalysisManifestSummary = structure({
  S3Object,
});
export const MediaAnalysisJobFailureDetails = structure({
  Code: oneOf(
    'INTERNAL_ERROR',
    'INVALID_S3_OBJECT',
    'INVALID_MANIFEST',
    'INVALID_OUTPUT_CONFIG',
    'INVALID_KMS_KEY',
    'ACCESS_DENIED',
    'RESOURCE_NOT_FOUND',
    'RESOURCE_NOT_READY',
    'THROTTLED',
  ),
  Message: string(),
});
