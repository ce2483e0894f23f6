// Projects, versions, policies and tags. Typed in from the API reference.
import {
  float,
  integer,
  list,
  long,
  type OperationShape,
  required,
  string,
  structure,
  timestamp,
} from './shape.ts';
import {
  AutoUpdate,
  CustomizationFeatureConfig,
  DatasetArn,
  DatasetStatus,
  DatasetStatusCode,
  DatasetType,
  Description,
  Feature,
  GroundTruthManifest,
  KmsKeyId,
  Name,
  OutputConfig,
  PageSize,
  PageToken,
  PolicyDocument,
  PolicyName,
  PolicyRevisionId,
  ProjectArn,
  ProjectStatus,
  ProjectVersionArn,
  ResourceArn,
  S3Object,
  TagKey,
  Tags,
  TestingData,
  TrainingData,
  ValidationData,
  VersionStatus,
} from './structures.ts';

export const projects: Record<string, OperationShape> = {
  CreateProject: {
    request: {
      ProjectName: required(Name),
      Feature,
      AutoUpdate,
      Tags,
    },
    response: {
      ProjectArn,
    },
    errors: ['ResourceInUseException', 'LimitExceededException'],
  },
  DescribeProjects: {
    request: {
      NextToken: PageToken,
      MaxResults: PageSize,
      ProjectNames: list(Name, 1, 10),
      Features: list(Feature, 1, 2),
    },
    response: {
      ProjectDescriptions: list(
        structure({
          ProjectArn,
          CreationTimestamp: timestamp,
          Status: ProjectStatus,
          Datasets: list(
            structure({
              CreationTimestamp: timestamp,
              DatasetType,
              DatasetArn,
              Status: DatasetStatus,
              StatusMessage: string(),
              StatusMessageCode: DatasetStatusCode,
            }),
          ),
          Feature,
          AutoUpdate,
        }),
      ),
      NextToken: PageToken,
    },
    errors: ['InvalidPaginationTokenException'],
  },
  DeleteProject: {
    request: {
      ProjectArn: required(ProjectArn),
    },
    response: {
      Status: ProjectStatus,
    },
    errors: ['ResourceInUseException', 'ResourceNotFoundException'],
  },
  CreateProjectVersion: {
    request: {
      ProjectArn: required(ProjectArn),
      VersionName: required(Name),
      OutputConfig: required(OutputConfig),
      TrainingData,
      TestingData,
      Tags,
      KmsKeyId,
      VersionDescription: Description,
      FeatureConfig: CustomizationFeatureConfig,
    },
    response: {
      ProjectVersionArn,
    },
    errors: [
      'ResourceInUseException',
      'ResourceNotFoundException',
      'LimitExceededException',
      'ServiceQuotaExceededException',
    ],
  },
  DescribeProjectVersions: {
    request: {
      ProjectArn: required(ProjectArn),
      VersionNames: list(Name, 1, 10),
      NextToken: PageToken,
      MaxResults: PageSize,
    },
    response: {
      ProjectVersionDescriptions: list(
        structure({
          ProjectVersionArn,
          CreationTimestamp: timestamp,
          MinInferenceUnits: integer(1),
          Status: VersionStatus,
          StatusMessage: string(),
          BillableTrainingTimeInSeconds: long(0),
          TrainingEndTimestamp: timestamp,
          OutputConfig,
          TrainingDataResult: structure({
            Input: TrainingData,
            Output: TrainingData,
            Validation: ValidationData,
          }),
          TestingDataResult: structure({
            Input: TestingData,
            Output: TestingData,
            Validation: ValidationData,
          }),
          EvaluationResult: structure({
            F1Score: float(),
            Summary: structure({
              S3Object,
            }),
          }),
          ManifestSummary: GroundTruthManifest,
          KmsKeyId,
          MaxInferenceUnits: integer(1),
          SourceProjectVersionArn: ProjectVersionArn,
          VersionDescription: Description,
          Feature,
          BaseModelVersion: string(),
          FeatureConfig: CustomizationFeatureConfig,
        }),
      ),
      NextToken: PageToken,
    },
    errors: ['ResourceNotFoundException', 'InvalidPaginationTokenException'],
  },
  StartProjectVersion: {
    request: {
      ProjectVersionArn: required(ProjectVersionArn),
      MinInferenceUnits: required(integer(1)),
      MaxInferenceUnits: integer(1),
    },
    response: {
      Status: VersionStatus,
    },
    errors: ['ResourceNotFoundException', 'ResourceInUseException', 'LimitExceededException'],
  },
  StopProjectVersion: {
    request: {
      ProjectVersionArn: required(ProjectVersionArn),
    },
    response: {
      Status: VersionStatus,
    },
    errors: ['ResourceNotFoundException', 'ResourceInUseException'],
  },
  DeleteProjectVersion: {
    request: {
      ProjectVersionArn: required(ProjectVersionArn),
    },
    response: {
      Status: VersionStatus,
    },
    errors: ['ResourceNotFoundException', 'ResourceInUseException'],
  },
  CopyProjectVersion: {
    request: {
      SourceProjectArn: required(ProjectArn),
      SourceProjectVersionArn: required(ProjectVersionArn),
      DestinationProjectArn: required(ProjectArn),
      VersionName: required(Name),
      OutputConfig: required(OutputConfig),
      Tags,
      KmsKeyId,
    },
    response: {
      ProjectVersionArn,
    },
    errors: [
      'LimitExceededException',
      'ResourceNotFoundException',
      'ServiceQuotaExceededException',
      'ResourceInUseException',
    ],
  },
  PutProjectPolicy: {
    request: {
      ProjectArn: required(ProjectArn),
      PolicyName: required(PolicyName),
      PolicyRevisionId,
      PolicyDocument: required(PolicyDocument),
    },
    response: {
      PolicyRevisionId,
    },
    errors: [
      'InvalidPolicyRevisionIdException',
      'MalformedPolicyDocumentException',
      'ResourceNotFoundException',
      'ResourceAlreadyExistsException',
      'ServiceQuotaExceededException',
      'LimitExceededException',
    ],
  },
  ListProjectPolicies: {
    request: {
      ProjectArn: required(ProjectArn),
      NextToken: PageToken,
      MaxResults: integer(1, 5),
    },
    response: {
      ProjectPolicies: list(
        structure({
          ProjectArn,
          PolicyName,
          PolicyRevisionId,
          PolicyDocument,
          CreationTimestamp: timestamp,
          LastUpdatedTimestamp: timestamp,
        }),
      ),
      NextToken: PageToken,
    },
    errors: ['ResourceNotFoundException', 'InvalidPaginationTokenException'],
  },
  DeleteProjectPolicy: {
    request: {
      ProjectArn: required(ProjectArn),
      PolicyName: required(PolicyName),
      PolicyRevisionId,
    },
    response: {},
    errors: ['ResourceNotFoundException', 'InvalidPolicyRevisionIdException'],
  },
  TagResource: {
    request: {
      ResourceArn: required(ResourceArn),
      Tags: required(Tags),
    },
    response: {},
    errors: ['ResourceNotFoundException', 'ServiceQuotaExceededException'],
  },
  UntagResource: {
    request: {
      ResourceArn: required(ResourceArn),
      TagKeys: required(list(TagKey, 0, 200)),
    },
    response: {},
    errors: ['ResourceNotFoundException'],
  },
  ListTagsForResource: {
    request: {
      ResourceArn: required(ResourceArn),
    },
    response: {
      Tags,
    },
    errors: ['ResourceNotFoundException'],
  },
};
