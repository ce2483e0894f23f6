import { z } from 'zod';
import { notSupported } from './not-supported.ts';
import { defineOperation } from './operation.ts';
import {
  ClientRequestToken,
  JobName,
  KmsKeyId,
  MediaAnalysisInput,
  MediaAnalysisOperationsConfig,
  MediaAnalysisOutputConfig,
} from './shapes.ts';

export const StartMediaAnalysisJob = defineOperation({
  name: 'StartMediaAnalysisJob',
  input: z.object({
    ClientRequestToken: ClientRequestToken.optional(),
    JobName: JobName.optional(),
    OperationsConfig: MediaAnalysisOperationsConfig,
    Input: MediaAnalysisInput,
    OutputConfig: MediaAnalysisOutputConfig,
    KmsKeyId: KmsKeyId.optional(),
  }),
  async handle() {
    throw notSupported('Media analysis jobs are');
  },
});
