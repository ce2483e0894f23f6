import { z } from 'zod';
import { moveVersion } from '../store/versions.ts';
import { inUse, requireVersion } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { ProjectVersionArn } from './shapes.ts';

export const DeleteProjectVersion = defineOperation({
  name: 'DeleteProjectVersion',
  input: z.object({ ProjectVersionArn }),
  async handle({ ProjectVersionArn: arn }, context) {
    const { database, folders } = context;
    const { id } = await requireVersion(arn, context);
    const deletable = ['TRAINING_COMPLETED', 'TRAINING_FAILED', 'STOPPED', 'FAILED'] as const;
    const moved = await moveVersion(database, id, [...deletable], 'DELETING');
    if (!moved) throw await inUse(arn, context);
    await folders.finishDeletion(database, id);
    return { Status: 'DELETING' as const };
  },
});
