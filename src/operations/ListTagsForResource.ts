import { z } from 'zod';
import { findTags } from '../store/tags.ts';
import { requireTaggable } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { ResourceArn } from './shapes.ts';

export const ListTagsForResource = defineOperation({
  name: 'ListTagsForResource',
  input: z.object({ ResourceArn }),
  async handle({ ResourceArn: arn }, context) {
    await requireTaggable(arn, context);
    return { Tags: await findTags(context.database, arn) };
  },
});
