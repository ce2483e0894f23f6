import { CopyProjectVersion } from './CopyProjectVersion.ts';
import { CreateDataset } from './CreateDataset.ts';
import { CreateProject } from './CreateProject.ts';
import { CreateProjectVersion } from './CreateProjectVersion.ts';
import { DeleteDataset } from './DeleteDataset.ts';
import { DeleteProject } from './DeleteProject.ts';
import { DeleteProjectPolicy } from './DeleteProjectPolicy.ts';
import { DeleteProjectVersion } from './DeleteProjectVersion.ts';
import { DescribeDataset } from './DescribeDataset.ts';
import { DescribeProjects } from './DescribeProjects.ts';
import { DescribeProjectVersions } from './DescribeProjectVersions.ts';
import { DetectCustomLabels } from './DetectCustomLabels.ts';
import { DetectModerationLabels } from './DetectModerationLabels.ts';
import { DistributeDatasetEntries } from './DistributeDatasetEntries.ts';
import { GetMediaAnalysisJob } from './GetMediaAnalysisJob.ts';
import { ListDatasetEntries } from './ListDatasetEntries.ts';
import { ListDatasetLabels } from './ListDatasetLabels.ts';
import { ListMediaAnalysisJobs } from './ListMediaAnalysisJobs.ts';
import { ListProjectPolicies } from './ListProjectPolicies.ts';
import { ListTagsForResource } from './ListTagsForResource.ts';
import { PutProjectPolicy } from './PutProjectPolicy.ts';
import { StartMediaAnalysisJob } from './StartMediaAnalysisJob.ts';
import { StartProjectVersion } from './StartProjectVersion.ts';
import { StopProjectVersion } from './StopProjectVersion.ts';
import { TagResource } from './TagResource.ts';
import { UntagResource } from './UntagResource.ts';
import { UpdateDatasetEntries } from './UpdateDatasetEntries.ts';

/** Every operation that the server answers. */
export const operations = [
  CopyProjectVersion,
  CreateDataset,
  CreateProject,
  CreateProjectVersion,
  DeleteDataset,
  DeleteProject,
  DeleteProjectPolicy,
  DeleteProjectVersion,
  DescribeDataset,
  DescribeProjectVersions,
  DescribeProjects,
  DetectCustomLabels,
  DetectModerationLabels,
  DistributeDatasetEntries,
  GetMediaAnalysisJob,
  ListDatasetEntries,
  ListDatasetLabels,
  ListMediaAnalysisJobs,
  ListProjectPolicies,
  ListTagsForResource,
  PutProjectPolicy,
  StartMediaAnalysisJob,
  StartProjectVersion,
  StopProjectVersion,
  TagResource,
  UntagResource,
  UpdateDatasetEntries,
];
