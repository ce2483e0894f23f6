import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { KEYS } from '../../harness.ts';
import { pythonTools } from '../python.ts';

export type Boto3Call = { input: object } & (
  | { waiter: string }
  | { paginator: string; size: number }
  | { operation: string }
);

/** What boto3 answered; exceptions by their name or, of the service's errors, by their code. */
export type Boto3Outcome = { result: unknown } | { error: string };

/** Makes calls, one after the other, with boto3 as it comes from PyPI. */
export async function boto3(url: string, calls: Boto3Call[]): Promise<Boto3Outcome[]> {
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  const python = join(await pythonTools(), 'python');
  const child = spawn(python, [join(import.meta.dirname, 'calls.py')], { env, stdio: 'pipe' });
  const exited = once(child, 'exit');
  child.stdin.end(JSON.stringify(calls));
  const [errors, outcomes] = await Promise.all([text(child.stderr), text(child.stdout)]);
  const [code] = await exited;
  if (code !== 0) throw new Error(`boto3 ended with ${code}: ${errors}`);
  return JSON.parse(outcomes);
}
