import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { KEYS, startInProcess, Workspace } from '../harness.ts';
import { pythonTools } from './python.ts';

const run = promisify(execFile);
const PAGE = join(import.meta.dirname, '../../docs/buckets.md');

test('the lines of docs/buckets.md work as they are written', async () => {
  const tools = await pythonTools();
  const page = await readFile(PAGE, 'utf8');
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, lines]) => lines!);
  expect(blocks).toHaveLength(2);
  const directory = await mkdtemp(join(tmpdir(), 'ocellus-docs-'));
  const workspace = await Workspace.create();
  const server = await startInProcess(workspace);
  try {
    await writeFile(join(directory, 'hello.txt'), 'hello');
    const env = {
      PATH: `${tools}:${process.env.PATH}`,
      HOME: directory,
      OCELLUS_DATA_DIR: workspace.directory,
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
    };
    const { stdout } = await run('sh', ['-e', '-c', blocks.join('\n')], { cwd: directory, env });
    expect(stdout).toMatch(
      /5 hello\.txt\nmake_bucket: results\n[\s\S]*http:\/\/\S+\/results\/notes\/hello\.txt\?[\s\S]*remove_bucket: results/,
    );
    expect(await readFile(join(directory, 'back/notes/hello.txt'), 'utf8')).toBe('hello');
  } finally {
    await server.close();
    await workspace.remove();
    await rm(directory, { recursive: true });
  }
}, 600_000);
