import { z } from 'zod';
import { notSupported } from './not-supported.ts';
import { defineOperation } from './operation.ts';
import { HumanLoopConfig, Image, Percent, ProjectVersionArn } from './shapes.ts';

export const DetectModerationLabels = defineOperation({
  name: 'DetectModerationLabels',
  input: z.object({
    Image,
    MinConfidence: Percent.optional(),
    HumanLoopConfig: HumanLoopConfig.optional(),
    ProjectVersion: ProjectVersionArn.optional(),
  }),
  async handle() {
    throw notSupported('DetectModerationLabels is');
  },
});
