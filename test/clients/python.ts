import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const MAKE = join(import.meta.dirname, 'python-tools.py');

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
  if (existsSync(join(environment, 'complete'))) return tools;
  try {
    await run('python3', [MAKE, environment, REQUIREMENTS]);
    return tools;
  } catch (cause) {
    const message =
      'These tests need Python 3.11 or newer with its venv module as "python3", and the Python package index, to run ' +
      `boto3, the AWS CLI, moto, pycocotools and ONNX files. ${(cause as Error).message}`;
    throw new Error(message, { cause });
  }
}
