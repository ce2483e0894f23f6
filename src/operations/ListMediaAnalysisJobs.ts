import { z } from 'zod';
import { ServiceError } from './errors.ts';
import { notSupported } from './not-supported.ts';
import { defineOperation } from './operation.ts';
import { JobPageSize, PageToken } from './shapes.ts';

const MAXIMUM_PAGE = 100;

export const ListMediaAnalysisJobs = defineOperation({
  name: 'ListMediaAnalysisJobs',
  input: z.object({ NextToken: PageToken.optional(), MaxResults: JobPageSize.optional() }),
  async handle({ MaxResults = MAXIMUM_PAGE }) {
    if (MaxResults > MAXIMUM_PAGE) {
      throw new ServiceError(
        'InvalidParameterException',
        `MaxResults must not be greater than ${MAXIMUM_PAGE}.`,
      );
    }
    throw notSupported('Media analysis jobs are');
  },
});
