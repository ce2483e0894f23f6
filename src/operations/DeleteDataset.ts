import { z } from 'zod';
import { beginDeletion } from '../store/datasets.ts';
import { changing } from './datasets.ts';
import { requireDataset } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { DatasetArn } from './shapes.ts';

export const DeleteDataset = defineOperation({
  name: 'DeleteDataset',
  input: z.object({ DatasetArn }),
  async handle({ DatasetArn: arn }, context) {
    const { id } = await requireDataset(arn, context);
    const begun = await beginDeletion(context.database, id);
    const dataset = await requireDataset(arn, context);
    if (!begun) throw changing(dataset, 'ResourceInUseException');
    context.datasets.start(dataset);
    return {};
  },
});
