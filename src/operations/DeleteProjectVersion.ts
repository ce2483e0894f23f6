import { z } from 'zod';
import { moveVersionToDeleting } from '../store/versions.ts';
import { ServiceError } from './errors.ts';
import { inUse, requireVersion } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { ProjectVersionArn } from './shapes.ts';

export const DeleteProjectVersion = defineOperation({
  name: 'DeleteProjectVersion',
  input: z.object({ ProjectVersionArn }),
  async handle({ ProjectVersionArn: arn }, context) {
    const { database, folders } = context;
    const { id } = await requireVersion(arn, context);
    const result = await moveVersionToDeleting(database, id, [
      'TRAINING_COMPLETED',
      'TRAINING_FAILED',
      'COPYING_COMPLETED',
      'COPYING_FAILED',
      'STOPPED',
      'FAILED',
    ]);
    if (result === 'wrong-status') throw await inUse(arn, context);
    if (result === 'being-copied') {
      throw new ServiceError(
        'ResourceInUseException',
        'The project version is being copied. Delete it when the copy is made.',
      );
    }
    await folders.finishDeletion(database, id);
    return { Status: 'DELETING' as const };
  },
});
