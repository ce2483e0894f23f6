import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { KEYS } from '../harness.ts';

/** What a user's environment has: nothing but the endpoint and the keys differs from the service's. */
export function clientEnvironment(url: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    // No settings of the person who runs the tests.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

export interface Program {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd?: string;
}

/** Runs a program to its end and gives what it wrote. Throws with all of it when it fails. */
export async function runProgram({ command, args, env, cwd }: Program): Promise<string> {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const [[code, signal], output, errors] = await Promise.all([
    closed,
    text(child.stdout),
    text(child.stderr),
  ]);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}\n${output}\n${errors}`);
  return output;
}
