import { CreateProject } from './CreateProject.ts';
import { CreateProjectVersion } from './CreateProjectVersion.ts';
import { DeleteProject } from './DeleteProject.ts';
import { DeleteProjectVersion } from './DeleteProjectVersion.ts';
import { DescribeProjects } from './DescribeProjects.ts';
import { DescribeProjectVersions } from './DescribeProjectVersions.ts';
import { DetectCustomLabels } from './DetectCustomLabels.ts';
import { StartProjectVersion } from './StartProjectVersion.ts';
import { StopProjectVersion } from './StopProjectVersion.ts';

/** Every operation that the server answers. */
export const operations = [
  CreateProject,
  CreateProjectVersion,
  DeleteProject,
  DeleteProjectVersion,
  DescribeProjects,
  DescribeProjectVersions,
  DetectCustomLabels,
  StartProjectVersion,
  StopProjectVersion,
];
