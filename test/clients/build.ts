import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Outside the repository, for the next time: a first build takes minutes, the next one seconds. */
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ocellus-clients');

export const rustProgram = (name: string) => join(CACHE, 'rust', 'debug', name);
export const goProgram = (name: string) => join(CACHE, 'go', name);

interface Build {
  command: string;
  args: string[];
  folder: string;
  env?: Record<string, string>;
  /** What to do when it doesn't work. */
  advice: string;
}

async function build({ command, args, folder, env, advice }: Build): Promise<void> {
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, stdio: 'inherit' });
  const [code] = await once(child, 'exit').catch((error) => {
    throw new Error(`${advice} ${error.message}`);
  });
  if (code !== 0) throw new Error(`${advice} ${command} ${args.join(' ')} ended with ${code}.`);
}

/** Builds the programs of a Rust project from its lock file. Throws with what to install when that fails. */
export async function buildRust(folder = join(import.meta.dirname, 'rust')): Promise<void> {
  await build({
    command: 'cargo',
    args: ['build', '--quiet', '--locked'],
    folder,
    env: { CARGO_TARGET_DIR: join(CACHE, 'rust') },
    advice: 'The Rust client needs cargo of Rust 1.95 or newer: https://rustup.rs.',
  });
}

/** Builds the program of a Go project from its lock file. Throws with what to install when that fails. */
export async function buildGo(
  folder = join(import.meta.dirname, 'go'),
  name = 'ocellus-life',
): Promise<void> {
  await build({
    command: 'go',
    args: ['build', '-mod=readonly', '-o', goProgram(name), '.'],
    folder,
    advice: 'The Go client needs Go 1.24 or newer: https://go.dev/dl.',
  });
}
