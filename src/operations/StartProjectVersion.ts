import { z } from 'zod';
import type { VersionStatus } from '../store/schema.ts';
import { moveVersionToStarting } from '../store/versions.ts';
import { ServiceError } from './errors.ts';
import { inUse, requireVersion } from './lookup.ts';
import { defineOperation } from './operation.ts';
import { InferenceUnits, ProjectVersionArn } from './shapes.ts';

const STARTABLE: VersionStatus[] = ['TRAINING_COMPLETED', 'COPYING_COMPLETED', 'STOPPED', 'FAILED'];

export const StartProjectVersion = defineOperation({
  name: 'StartProjectVersion',
  input: z.object({
    ProjectVersionArn,
    MinInferenceUnits: InferenceUnits,
    MaxInferenceUnits: InferenceUnits.optional(),
  }),
  async handle(input, context) {
    const { ProjectVersionArn: arn, MinInferenceUnits: minimum, MaxInferenceUnits: maximum } = input;
    if (maximum !== undefined && maximum < minimum) {
      throw new ServiceError(
        'InvalidParameterException',
        'MaxInferenceUnits must not be less than MinInferenceUnits.',
      );
    }
    const { database, config, models } = context;
    const version = await requireVersion(arn, context);
    if (version.status === 'TRAINING_FAILED' || version.status === 'COPYING_FAILED') {
      const what = version.source ? 'copying' : 'training';
      throw new ServiceError('InvalidParameterException', `The ${what} of the project version failed.`);
    }
    if (!STARTABLE.includes(version.status)) throw await inUse(arn, context);
    if ((maximum ?? minimum) > config.maximumInferenceUnits) {
      throw new ServiceError(
        'LimitExceededException',
        `A model can have at most ${config.maximumInferenceUnits} inference units.`,
      );
    }
    const result = await moveVersionToStarting(
      database,
      version.id,
      STARTABLE,
      { minimum, maximum },
      config.maximumRunningModels,
    );
    if (result === 'wrong-status') throw await inUse(arn, context);
    if (result === 'limit') {
      throw new ServiceError(
        'LimitExceededException',
        `${config.maximumRunningModels} models are running, which is the maximum.`,
      );
    }
    models.start({ ...version, minInferenceUnits: minimum, maxInferenceUnits: maximum });
    return { Status: 'STARTING' as const };
  },
});
