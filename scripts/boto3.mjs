// Puts boto3, which some tests call, into a virtual environment of its own. Does nothing when it is there already.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const requirements = path('../test/boto3/requirements.txt');
const folder = path('../node_modules/.cache/boto3');
const installed = `${folder}/requirements.txt`;

const wanted = readFileSync(requirements, 'utf8');
if (!existsSync(installed) || readFileSync(installed, 'utf8') !== wanted) {
  const run = (command, ...args) => execFileSync(command, args, { stdio: 'inherit' });
  rmSync(folder, { recursive: true, force: true });
  run('python3', '-m', 'venv', folder);
  run(`${folder}/bin/pip`, 'install', '--quiet', '--disable-pip-version-check', '-r', requirements);
  writeFileSync(installed, wanted);
}
