import { z } from 'zod';
import { moveVersion } from '../store/versions.ts';
import { inUse, requireVersion } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { ProjectVersionArn } from './shapes.ts';

export const StopProjectVersion = defineOperation({
  name: 'StopProjectVersion',
  input: z.object({ ProjectVersionArn }),
  async handle({ ProjectVersionArn: arn }, context) {
    const version = await requireVersion(arn, context);
    const moved = await moveVersion(context.database, version.id, ['RUNNING', 'FAILED'], 'STOPPING');
    if (!moved) throw await inUse(arn, context);
    context.models.stop(version);
    return { Status: 'STOPPING' as const };
  },
});
