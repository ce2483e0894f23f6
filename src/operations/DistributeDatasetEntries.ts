import { z } from 'zod';
import { beginDistribution, type Dataset } from '../store/datasets.ts';
import { ServiceError } from './errors.ts';
import { notFound, requireDataset } from './lookup.ts';
import { type Context, defineOperation } from './operation.ts';
import { DistributeDatasets } from './shapes.ts';

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

/** The two data sets by their types. */
function sides(datasets: Dataset[]): { train: Dataset; test: Dataset } {
  const train = datasets.find(({ type }) => type === 'TRAIN');
  const test = datasets.find(({ type }) => type === 'TEST');
  if (!train || !test) throw invalid('Datasets must name a TRAIN and a TEST dataset.');
  if (train.projectId !== test.projectId) throw invalid('The datasets must belong to the same project.');
  return { train, test };
}

async function begin(train: Dataset, test: Dataset, { database }: Context): Promise<void> {
  switch (await beginDistribution(database, train.id, test.id)) {
    case 'not-found':
      throw notFound(`${train.arn} or ${test.arn}`);
    case 'not-ready':
      throw new ServiceError(
        'ResourceNotReadyException',
        'Both datasets must be created, and neither may be changing.',
      );
    case 'train-empty':
      throw invalid('The TRAIN dataset has no entries.');
    case 'test-not-empty':
      throw invalid('The TEST dataset must be empty.');
  }
}

export const DistributeDatasetEntries = defineOperation({
  name: 'DistributeDatasetEntries',
  input: z.object({ Datasets: DistributeDatasets }),
  async handle({ Datasets }, context) {
    const datasets: Dataset[] = [];
    for (const { Arn } of Datasets) datasets.push(await requireDataset(Arn, context));
    const { train, test } = sides(datasets);
    await begin(train, test, context);
    context.datasets.start(await requireDataset(train.arn, context));
    return {};
  },
});
