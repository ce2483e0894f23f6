import { z } from 'zod';
import { listLabels } from '../store/entry-listing.ts';
import { requireDataset } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { DatasetArn } from './shapes.ts';

export const DescribeDataset = defineOperation({
  name: 'DescribeDataset',
  input: z.object({ DatasetArn }),
  async handle({ DatasetArn: arn }, context) {
    const dataset = await requireDataset(arn, context);
    return {
      DatasetDescription: {
        CreationTimestamp: new Date(dataset.createdAt),
        LastUpdatedTimestamp: new Date(dataset.updatedAt),
        Status: dataset.status,
        StatusMessage: dataset.statusMessage,
        StatusMessageCode: dataset.statusCode,
        DatasetStats: {
          LabeledEntries: dataset.labeledEntries,
          TotalEntries: dataset.totalEntries,
          TotalLabels: (await listLabels(context.database, dataset.id)).length,
          ErrorEntries: dataset.errorEntries,
        },
      },
    };
  },
});
