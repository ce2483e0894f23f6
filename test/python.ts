import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');

/**
 * Folder of the programs (`python`, `aws`, `moto_server`) of a Python environment with the packages of
 * requirements.txt. It is made on first use, outside the repository, and kept for the next time.
 */
export async function pythonTools(): Promise<string> {
  const wanted = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
    .slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const environment = join(cache, 'ocellus-test-tools', wanted);
  const tools = join(environment, 'bin');
  const done = join(environment, 'complete');
  try {
    await readFile(done);
    return tools;
  } catch {
    // Not made yet, or only in part.
  }
  try {
    await rm(environment, { recursive: true, force: true });
    await mkdir(join(cache, 'ocellus-test-tools'), { recursive: true });
    await run('python3', ['-m', 'venv', environment]);
    await run(join(tools, 'python'), ['-m', 'pip', 'install', '--quiet', '-r', REQUIREMENTS]);
    await run(join(tools, 'python'), ['-c', `open(${JSON.stringify(`${done}.new`)}, 'w')`]);
    await rename(`${done}.new`, done);
    return tools;
  } catch (cause) {
    const message =
      'These tests need Python 3.9 or newer with its venv module as "python3", and the Python package index, to run ' +
      `boto3, the AWS CLI and moto. ${(cause as Error).message}`;
    throw new Error(message, { cause });
  }
}
