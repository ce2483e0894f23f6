import { z } from 'zod';
import { removeTags } from '../store/tags.ts';
import { requireTaggable } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { ResourceArn, TagKeys } from './shapes.ts';

export const UntagResource = defineOperation({
  name: 'UntagResource',
  input: z.object({ ResourceArn, TagKeys }),
  async handle({ ResourceArn: arn, TagKeys: keys }, context) {
    await requireTaggable(arn, context);
    await removeTags(context.database, arn, keys);
    return {};
  },
});
