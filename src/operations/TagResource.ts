import { z } from 'zod';
import { addTags } from '../store/tags.ts';
import { ServiceError } from './errors.ts';
import { requireTaggable } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { MAXIMUM_TAGS, ResourceArn, Tags } from './shapes.ts';

export const TagResource = defineOperation({
  name: 'TagResource',
  input: z.object({ ResourceArn, Tags }),
  async handle(input, context) {
    await requireTaggable(input.ResourceArn, context);
    const added = await addTags(context.database, input.ResourceArn, input.Tags, MAXIMUM_TAGS);
    if (!added) {
      throw new ServiceError(
        'ServiceQuotaExceededException',
        `The resource would have more than ${MAXIMUM_TAGS} tags.`,
      );
    }
    return {};
  },
});
