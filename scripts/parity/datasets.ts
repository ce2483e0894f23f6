// Data sets. Typed in from the API reference.
import {
  blob,
  boolean,
  integer,
  list,
  type OperationShape,
  required,
  string,
  structure,
  timestamp,
} from './shape.ts';
import {
  DatasetArn,
  DatasetStatus,
  DatasetStatusCode,
  DatasetType,
  GroundTruthManifest,
  LabelName,
  PageSize,
  PageToken,
  ProjectArn,
  Tags,
} from './structures.ts';

export const datasets: Record<string, OperationShape> = {
  CreateDataset: {
    request: {
      DatasetSource: structure({
        GroundTruthManifest,
        DatasetArn,
      }),
      DatasetType: required(DatasetType),
      ProjectArn: required(ProjectArn),
      Tags,
    },
    response: {
      DatasetArn,
    },
    errors: [
      'LimitExceededException',
      'InvalidS3ObjectException',
      'ResourceAlreadyExistsException',
      'ResourceNotFoundException',
    ],
  },
  DescribeDataset: {
    request: {
      DatasetArn: required(DatasetArn),
    },
    response: {
      DatasetDescription: structure({
        CreationTimestamp: timestamp,
        LastUpdatedTimestamp: timestamp,
        Status: DatasetStatus,
        StatusMessage: string(),
        StatusMessageCode: DatasetStatusCode,
        DatasetStats: structure({
          LabeledEntries: integer(0),
          TotalEntries: integer(0),
          TotalLabels: integer(0),
          ErrorEntries: integer(0),
        }),
      }),
    },
    errors: ['ResourceNotFoundException'],
  },
  ListDatasetEntries: {
    request: {
      DatasetArn: required(DatasetArn),
      ContainsLabels: list(LabelName, 1, 10),
      Labeled: boolean,
      SourceRefContains: string(1, 2048, String.raw`.*\S.*`),
      HasErrors: boolean,
      NextToken: PageToken,
      MaxResults: PageSize,
    },
    response: {
      DatasetEntries: list(string(1, 100_000, String.raw`^\{.*\}$`)),
      NextToken: PageToken,
    },
    errors: [
      'ResourceInUseException',
      'ResourceNotFoundException',
      'InvalidPaginationTokenException',
      'ResourceNotReadyException',
    ],
  },
  ListDatasetLabels: {
    request: {
      DatasetArn: required(DatasetArn),
      NextToken: PageToken,
      MaxResults: PageSize,
    },
    response: {
      DatasetLabelDescriptions: list(
        structure({
          LabelName,
          LabelStats: structure({
            EntryCount: integer(0),
            BoundingBoxCount: integer(0),
          }),
        }),
      ),
      NextToken: PageToken,
    },
    errors: [
      'ResourceInUseException',
      'InvalidPaginationTokenException',
      'ResourceNotFoundException',
      'ResourceNotReadyException',
    ],
  },
  UpdateDatasetEntries: {
    request: {
      DatasetArn: required(DatasetArn),
      Changes: required(
        structure({
          GroundTruth: required(blob(1, 5242880)),
        }),
      ),
    },
    response: {},
    errors: ['LimitExceededException', 'ResourceInUseException', 'ResourceNotFoundException'],
  },
  DistributeDatasetEntries: {
    request: {
      Datasets: required(
        list(
          structure({
            Arn: required(DatasetArn),
          }),
          2,
          2,
        ),
      ),
    },
    response: {},
    errors: ['ResourceNotFoundException', 'ResourceNotReadyException'],
  },
  DeleteDataset: {
    request: {
      DatasetArn: required(DatasetArn),
    },
    response: {},
    errors: ['LimitExceededException', 'ResourceInUseException', 'ResourceNotFoundException'],
  },
};
