import { Client } from '../src/cli/client.ts';
import type { Connection } from '../src/cli/connection.ts';
import { describeProgress } from '../src/cli/progress-line.ts';
import type { ProgressReport } from '../src/training/progress-report.ts';

/** Asks the server how far a training is: `GET /progress/VERSION-ARN`, which says more than DescribeProjectVersions. */
export function watchProgress(connection: Connection): (versionArn: string) => Promise<string> {
  const client = new Client(connection);
  return async (versionArn) => {
    const answer = await client.get('progress', versionArn);
    return describeProgress((await answer.json()) as ProgressReport);
  };
}
