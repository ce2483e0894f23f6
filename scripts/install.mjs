// Runs before `npm start`, `npm test` and `npm run demo`, on whatever Node the machine has: installs the
// dependencies (the right Node among them) when they are missing or older than the lock file.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modified = (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// npm writes this file at the end of every install, so it tells when the last complete install happened.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.error('Installing dependencies (once, about a minute) …');
  const { status } = spawnSync('npm', ['ci', '--loglevel=error', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('npm ci failed. Is the npm registry reachable? Run "npm ci" to see the whole message.');
    process.exit(status ?? 1);
  }
}
