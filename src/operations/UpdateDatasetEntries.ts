import { z } from 'zod';
import { parseObject } from '../manifest/line.ts';
import { beginUpdate } from '../store/datasets.ts';
import { changing } from './datasets.ts';
import { ServiceError } from './errors.ts';
import { requireDataset } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { DatasetArn, DatasetChanges } from './shapes.ts';

/** Lines in which there must be an object: what has none is something else than JSON Lines. */
const LINES_TO_LOOK_AT = 100;

function readLines(block: Uint8Array): string {
  const refuse = (why: string) =>
    new ServiceError('InvalidParameterException', `Changes.GroundTruth must be JSON Lines in UTF-8: ${why}.`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(block);
  } catch {
    throw refuse('it is not UTF-8');
  }
  if (text.includes('\0')) throw refuse('it has a NUL character');
  const first = text.split('\n', LINES_TO_LOOK_AT);
  if (!first.some(parseObject)) throw refuse('no line is a JSON object');
  return text;
}

export const UpdateDatasetEntries = defineOperation({
  name: 'UpdateDatasetEntries',
  input: z.object({ DatasetArn, Changes: DatasetChanges }),
  async handle({ DatasetArn: arn, Changes }, context) {
    const { id } = await requireDataset(arn, context);
    const begun = await beginUpdate(context.database, id, readLines(Changes.GroundTruth));
    const dataset = await requireDataset(arn, context);
    if (!begun) throw changing(dataset, 'ResourceInUseException');
    context.datasets.start(dataset);
    return {};
  },
});
