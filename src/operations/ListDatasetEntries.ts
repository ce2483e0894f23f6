import { z } from 'zod';
import { listedLine } from '../manifest/annotate.ts';
import { parseLine } from '../manifest/line.ts';
import { type EntryFilter, type ListedEntry, listEntries } from '../store/entry-listing.ts';
import { requireListable } from './datasets.ts';
import { defineOperation } from './operation.ts';
import { readPageBy } from './paging.ts';
import { ContainsLabels, DatasetArn, PageSize, PageToken, SourceRefContains } from './shapes.ts';

function show({ line, labeled, hasFindings }: ListedEntry): string {
  return listedLine(line, labeled, hasFindings ? parseLine(line).problems : []);
}

export const ListDatasetEntries = defineOperation({
  name: 'ListDatasetEntries',
  input: z.object({
    DatasetArn,
    ContainsLabels: ContainsLabels.optional(),
    Labeled: z.boolean().optional(),
    SourceRefContains: SourceRefContains.optional(),
    HasErrors: z.boolean().optional(),
    NextToken: PageToken.optional(),
    MaxResults: PageSize.optional(),
  }),
  async handle(input, context) {
    const dataset = await requireListable(input.DatasetArn, context);
    const filter: EntryFilter = {
      labels: input.ContainsLabels,
      labeled: input.Labeled,
      hasErrors: input.HasErrors,
      sourceRefContains: input.SourceRefContains,
    };
    const query = ['ListDatasetEntries', dataset.arn, filter];
    const { items, nextToken } = await readPageBy(
      input,
      query,
      context,
      ({ position }: ListedEntry) => position,
      ({ from: after = 0, limit }) => listEntries(context.database, dataset.id, filter, { after, limit }),
    );
    return { DatasetEntries: items.map(show), NextToken: nextToken };
  },
});
