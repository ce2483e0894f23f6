import { z } from 'zod';
import { type LabelCount, listLabels } from '../store/entry-listing.ts';
import { requireListable } from './datasets.ts';
import { defineOperation } from './operation.ts';
import { readPageBy } from './paging.ts';
import { DatasetArn, PageSize, PageToken } from './shapes.ts';

function describe({ label, entries, boxedEntries }: LabelCount) {
  return {
    LabelName: label,
    // The service leaves the count of boxes out where there are none.
    LabelStats: { EntryCount: entries, BoundingBoxCount: boxedEntries || undefined },
  };
}

export const ListDatasetLabels = defineOperation({
  name: 'ListDatasetLabels',
  input: z.object({ DatasetArn, NextToken: PageToken.optional(), MaxResults: PageSize.optional() }),
  async handle(input, context) {
    const { id, arn } = await requireListable(input.DatasetArn, context);
    const labels = await listLabels(context.database, id);
    const numbered = labels.map((count, index) => ({ count, number: index + 1 }));
    const { items, nextToken } = await readPageBy(
      input,
      ['ListDatasetLabels', arn],
      context,
      ({ number }: { number: number; count: LabelCount }) => number,
      async ({ from = 0, limit }) => numbered.slice(from, from + limit),
    );
    return { DatasetLabelDescriptions: items.map(({ count }) => describe(count)), NextToken: nextToken };
  },
});
