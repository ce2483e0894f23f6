// What looks at images. Typed in from the API reference.
import {
  float,
  integer,
  list,
  type OperationShape,
  oneOf,
  required,
  string,
  structure,
  timestamp,
} from './shape.ts';
import {
  Image,
  JobId,
  JobName,
  KmsKeyId,
  MediaAnalysisInput,
  MediaAnalysisJobFailureDetails,
  MediaAnalysisManifestSummary,
  MediaAnalysisOperationsConfig,
  MediaAnalysisOutputConfig,
  MediaAnalysisResults,
  PageToken,
  Percent,
  ProjectVersionArn,
} from './structures.ts';

const mediaAnalysisJob = {
  JobId,
  JobName,
  OperationsConfig: MediaAnalysisOperationsConfig,
  Status: oneOf('CREATED', 'QUEUED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED'),
  FailureDetails: MediaAnalysisJobFailureDetails,
  CreationTimestamp: timestamp,
  CompletionTimestamp: timestamp,
  Input: MediaAnalysisInput,
  OutputConfig: MediaAnalysisOutputConfig,
  KmsKeyId,
  Results: MediaAnalysisResults,
  ManifestSummary: MediaAnalysisManifestSummary,
};

export const images: Record<string, OperationShape> = {
  DetectCustomLabels: {
    request: {
      ProjectVersionArn: required(ProjectVersionArn),
      Image: required(Image),
      MaxResults: integer(0),
      MinConfidence: Percent,
    },
    response: {
      CustomLabels: list(
        structure({
          Name: string(),
          Confidence: Percent,
          Geometry: structure({
            BoundingBox: structure({
              Width: float(),
              Height: float(),
              Left: float(),
              Top: float(),
            }),
            Polygon: list(
              structure({
                X: float(),
                Y: float(),
              }),
            ),
          }),
        }),
      ),
    },
    errors: [
      'ResourceNotFoundException',
      'ResourceNotReadyException',
      'InvalidS3ObjectException',
      'ImageTooLargeException',
      'LimitExceededException',
      'InvalidImageFormatException',
    ],
  },
  DetectModerationLabels: {
    request: {
      Image: required(Image),
      MinConfidence: Percent,
      HumanLoopConfig: structure({
        HumanLoopName: required(string(1, 63, '^[a-z0-9](-*[a-z0-9])*')),
        FlowDefinitionArn: required(string(0, 256)),
        DataAttributes: structure({
          ContentClassifiers: list(oneOf('FreeOfPersonallyIdentifiableInformation', 'FreeOfAdultContent')),
        }),
      }),
      ProjectVersion: ProjectVersionArn,
    },
    response: {
      ModerationLabels: list(
        structure({
          Confidence: Percent,
          Name: string(),
          ParentName: string(),
          TaxonomyLevel: integer(0),
        }),
      ),
      ModerationModelVersion: string(),
      HumanLoopActivationOutput: structure({
        HumanLoopArn: string(0, 256),
        HumanLoopActivationReasons: list(string(), 1),
        HumanLoopActivationConditionsEvaluationResults: string(0, 10240),
      }),
      ProjectVersion: ProjectVersionArn,
      ContentTypes: list(
        structure({
          Confidence: Percent,
          Name: string(),
        }),
        0,
        50,
      ),
    },
    errors: [
      'InvalidS3ObjectException',
      'ImageTooLargeException',
      'InvalidImageFormatException',
      'HumanLoopQuotaExceededException',
      'ResourceNotFoundException',
      'ResourceNotReadyException',
    ],
  },
  StartMediaAnalysisJob: {
    request: {
      ClientRequestToken: JobId,
      JobName,
      OperationsConfig: required(MediaAnalysisOperationsConfig),
      Input: required(MediaAnalysisInput),
      OutputConfig: required(MediaAnalysisOutputConfig),
      KmsKeyId,
    },
    response: {
      JobId,
    },
    errors: [
      'InvalidManifestException',
      'InvalidS3ObjectException',
      'ResourceNotFoundException',
      'ResourceNotReadyException',
      'LimitExceededException',
      'IdempotentParameterMismatchException',
    ],
  },
  GetMediaAnalysisJob: {
    request: {
      JobId: required(JobId),
    },
    response: mediaAnalysisJob,
    errors: ['ResourceNotFoundException'],
  },
  ListMediaAnalysisJobs: {
    request: {
      NextToken: PageToken,
      // More than 100 is an InvalidParameterException here, by its documentation, and no broken shape.
      MaxResults: integer(1),
    },
    response: {
      NextToken: PageToken,
      MediaAnalysisJobs: list(structure(mediaAnalysisJob)),
    },
    errors: ['InvalidPaginationTokenException'],
  },
};
