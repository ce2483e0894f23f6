import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

let folder: string;
let running: Set<ChildProcess>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-cli-'));
  running = new Set();
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

interface Run {
  child: ChildProcess;
  /** Everything printed so far. */
  printed(): string;
  /** Resolves with everything printed once `text` is there; rejects when the process ends without it. */
  until(text: string): Promise<string>;
  /** Exit status. */
  ended: Promise<number | null>;
}

function ocellus(args: string[], environment: Record<string, string> = {}): Run {
  const env = { PATH: process.env.PATH, OCELLUS_PORT: '0', OCELLUS_DATA_DIR: folder, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'close').then(([status]) => {
    running.delete(child);
    return status as number | null;
  });
  const until = async (text: string) => {
    const over = ended.then(() => true);
    while (!output.includes(text)) {
      const end = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), over]);
      if (end === true && !output.includes(text)) throw new Error(`ended without "${text}": ${output}`);
    }
    return output;
  };
  return { child, printed: () => output, until, ended };
}

async function output(args: string[], environment?: Record<string, string>) {
  const run = ocellus(args, environment);
  const status = await run.ended;
  return { status, text: run.printed() };
}

it('says what it can do', async () => {
  const { status, text } = await output(['--help']);
  expect(status).toBe(0);
  expect(text).toMatch(/serve +start the server/);
  expect(await output(['serve', '--help'])).toMatchObject({
    status: 0,
    text: expect.stringContaining('OCELLUS_PORT'),
  });
});

it('refuses what it does not know', async () => {
  expect(await output(['swerve'])).toMatchObject({
    status: 2,
    text: expect.stringContaining('no command "swerve"'),
  });
  expect(await output(['serve', '--prot'])).toMatchObject({
    status: 2,
    text: expect.stringContaining("'--prot'"),
  });
});

it('lists every setting that is wrong', async () => {
  const wrong = {
    OCELLUS_PORT: 'x',
    OCELLUS_ACCOUNT_ID: '12',
    OCELLUS_MAX_TRAININGS: '0',
    OCELLUS_SEED: '4294967296',
  };
  const { status, text } = await output(['serve'], wrong);
  expect(status).toBe(2);
  expect(text).toContain(
    'OCELLUS_PORT: must be a whole number from 0 to 65535, not "x". Without it, 4599 is used.',
  );
  expect(text).toContain('OCELLUS_MAX_TRAININGS: must be a whole number of 1 or more, not "0".');
  expect(text).toContain('OCELLUS_SEED: must be a whole number from 0 to 4294967295, not "4294967296".');
  expect(text).toContain('OCELLUS_ACCOUNT_ID: must be 12 digits');
});

it('prints the lines to paste, answers, and stops at a signal', async () => {
  const run = ocellus(['serve'], {
    OCELLUS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    OCELLUS_SECRET_ACCESS_KEY: 'secret',
  });
  const text = await run.until('Ctrl-C');
  expect(text).toContain('export AWS_ACCESS_KEY_ID=AKIDEXAMPLE');
  expect(text).not.toContain('Warning');
  const [, url] = /export AWS_ENDPOINT_URL=(\S+)/.exec(text)!;
  const answer = await fetch(url!, { method: 'POST', body: '{}' });
  expect(answer.status).toBe(400);
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

it('explains a port in use and a data folder in use', async () => {
  const first = ocellus(['serve']);
  const [, port] = /:(\d+)$/m.exec(await first.until('Ctrl-C'))!;
  const samePort = await output(['serve'], { OCELLUS_PORT: port!, OCELLUS_DATA_DIR: join(folder, 'other') });
  expect(samePort).toMatchObject({ status: 1, text: expect.stringContaining(`Port ${port} is in use`) });
  const sameFolder = await output(['serve']);
  expect(sameFolder).toMatchObject({ status: 1, text: expect.stringContaining(folder) });
});

it('explains a data folder that is a file', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  expect(await output(['serve'], { OCELLUS_DATA_DIR: file })).toMatchObject({
    status: 1,
    text: expect.stringContaining('is not a folder'),
  });
});

it('says every setting in its help and in the README', async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');
  const settings = new Set((await read('../config.ts')).match(/OCELLUS_[A-Z_]+/g));
  const [help, readme] = [(await output(['serve', '--help'])).text, await read('../../README.md')];
  for (const setting of settings) {
    expect(help).toContain(setting);
    expect(readme).toContain(setting);
  }
});
