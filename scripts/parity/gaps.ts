/**
 * What isn't as in the API, and why. Everything that isn't named here is done. A path is a member's as in the table:
 * `TrainingData.Assets[].GroundTruthManifest`.
 */
export interface Gaps {
  /** The operation as a whole. */
  operation?: string;
  request?: Record<string, string>;
  response?: Record<string, string>;
  errors?: Record<string, string>;
}

const LATER = 'Its input is checked, then it answers InvalidParameterException: not supported yet.';
const NO_KEYS = 'Refused with InvalidParameterException until keys are managed; never ignored.';
const NO_QUOTA = 'Never: no limit of the service leads to it.';
const ONE_QUOTA = 'Never: quotas answer LimitExceededException.';

/** Of the errors that every operation models. */
export const commonGaps: Record<string, string> = {
  AccessDeniedException:
    'CopyProjectVersion only: the one principal so far, the administrator, may do everything.',
  InternalServerError: 'Never: what nobody foresaw answers InternalFailure, which clients try again as well.',
  ProvisionedThroughputExceededException: 'DetectCustomLabels only: rates of other calls are not limited.',
  ThrottlingException: 'Never: rates are not limited.',
};

export const frameworkGaps: Record<string, string> = {
  ExpiredTokenException: 'Never: there are no temporary credentials so far.',
};

export const gaps: Record<string, Gaps> = {
  CreateProject: {
    request: {
      Feature: 'CUSTOM_LABELS; CONTENT_MODERATION is refused with InvalidParameterException so far.',
      AutoUpdate: 'Refused with InvalidParameterException: it applies to CONTENT_MODERATION.',
    },
  },
  DescribeProjects: {
    response: { 'ProjectDescriptions[].AutoUpdate': 'Absent: it applies to CONTENT_MODERATION.' },
  },
  CreateProjectVersion: {
    request: {
      KmsKeyId: NO_KEYS,
      'FeatureConfig.ContentModeration':
        'Refused with InvalidParameterException: it applies to CONTENT_MODERATION.',
      Tags:
        'Yes; `ocellus:budget` (`fast`, `balanced` or `best`) says how long to train, and another value is refused with ' +
        'InvalidParameterException. Tagging the version later changes nothing about its training.',
    },
    errors: { ServiceQuotaExceededException: ONE_QUOTA },
  },
  DescribeProjectVersions: {
    response: {
      'ProjectVersionDescriptions[].KmsKeyId': 'Absent: no version has a key so far.',
      'ProjectVersionDescriptions[].BaseModelVersion': 'Absent: it applies to CONTENT_MODERATION.',
      'ProjectVersionDescriptions[].FeatureConfig': 'Absent: it applies to CONTENT_MODERATION.',
    },
  },
  CopyProjectVersion: {
    request: { KmsKeyId: NO_KEYS },
    errors: { ServiceQuotaExceededException: ONE_QUOTA },
  },
  CreateDataset: { errors: { LimitExceededException: NO_QUOTA } },
  UpdateDatasetEntries: { errors: { LimitExceededException: NO_QUOTA } },
  DeleteDataset: { errors: { LimitExceededException: NO_QUOTA } },
  PutProjectPolicy: {
    request: {
      PolicyDocument:
        'Yes; of conditions ArnEquals, ArnLike, StringEquals, StringLike and their opposites on aws:PrincipalArn and ' +
        'aws:PrincipalAccount; others are refused with MalformedPolicyDocumentException.',
    },
    errors: { ServiceQuotaExceededException: ONE_QUOTA },
  },
  DetectCustomLabels: {
    response: {
      'CustomLabels[].Geometry.Polygon': 'Absent: the service leaves it out, too.',
    },
    errors: { LimitExceededException: NO_QUOTA },
  },
  DetectModerationLabels: { operation: LATER },
  StartMediaAnalysisJob: { operation: LATER },
  GetMediaAnalysisJob: { operation: LATER },
  ListMediaAnalysisJobs: { operation: LATER },
};
