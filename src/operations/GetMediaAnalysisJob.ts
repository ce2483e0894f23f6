import { z } from 'zod';
import { notSupported } from './not-supported.ts';
import { defineOperation } from './operation.ts';
import { JobId } from './shapes.ts';

export const GetMediaAnalysisJob = defineOperation({
  name: 'GetMediaAnalysisJob',
  input: z.object({ JobId }),
  async handle() {
    throw notSupported('Media analysis jobs are');
  },
});
