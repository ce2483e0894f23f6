import { z } from 'zod';
import { type Dataset, listDatasets } from '../store/datasets.ts';
import { listProjects, type Project } from '../store/projects.ts';
import { defineOperation } from './operation.ts';
import { readPage } from './paging.ts';
import { Features, PageSize, PageToken, ProjectNames } from './shapes.ts';

function describeDataset(dataset: Dataset) {
  return {
    CreationTimestamp: new Date(dataset.createdAt),
    DatasetType: dataset.type,
    DatasetArn: dataset.arn,
    Status: dataset.status,
    StatusMessage: dataset.statusMessage,
    StatusMessageCode: dataset.statusCode,
  };
}

function describe(project: Project, datasets: Dataset[]) {
  return {
    ProjectArn: project.arn,
    CreationTimestamp: new Date(project.createdAt),
    Status: 'CREATED' as const,
    Datasets: datasets.filter(({ projectId }) => projectId === project.id).map(describeDataset),
    Feature: 'CUSTOM_LABELS' as const,
  };
}

export const DescribeProjects = defineOperation({
  name: 'DescribeProjects',
  input: z.object({
    NextToken: PageToken.optional(),
    MaxResults: PageSize.optional(),
    ProjectNames: ProjectNames.optional(),
    Features: Features.optional(),
  }),
  async handle(input, context) {
    const { Features = ['CUSTOM_LABELS'], ProjectNames: names } = input;
    // There are no projects of the other feature yet.
    if (!Features.includes('CUSTOM_LABELS')) return { ProjectDescriptions: [], NextToken: undefined };
    const { account, region } = context.caller;
    const query = ['DescribeProjects', account, region, names ?? null, [...Features].sort()];
    const { items, nextToken } = await readPage(input, query, context, (position) =>
      listProjects(context.database, { account, region, names, ...position }),
    );
    const datasets = await listDatasets(
      context.database,
      items.map(({ id }) => id),
    );
    return {
      ProjectDescriptions: items.map((project) => describe(project, datasets)),
      NextToken: nextToken,
    };
  },
});
