import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';

const LIFE = join(import.meta.dirname, 'rust');
const TARGET = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ocellus-clients', 'rust');

/** The programs that `cargo build` makes, outside the repository: the first time takes minutes, then seconds. */
export const rustProgram = (name: string) => join(TARGET, 'debug', name);

/** Builds the programs of a project from its lock file. Throws with what to install when there is no usable Rust. */
export async function buildRust(project = LIFE): Promise<void> {
  const env = { ...process.env, CARGO_TARGET_DIR: TARGET };
  const child = spawn('cargo', ['build', '--quiet', '--locked'], { cwd: project, env, stdio: 'inherit' });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(
      `The Rust client needs cargo: install Rust 1.95 or newer from https://rustup.rs. ${error.message}`,
    );
  });
  const [code] = await Promise.race([once(child, 'exit'), failed]);
  if (code !== 0) {
    throw new Error(
      `cargo build ended with ${code}. The AWS SDK for Rust needs Rust 1.95 or newer: https://rustup.rs`,
    );
  }
}
