import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartProjectVersionCommand } from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProject, createVersion, putColours, settled, startInProcess, Workspace } from '../harness.ts';
import { buildGo, buildRust, goProgram, rustProgram } from './build.ts';
import { clientEnvironment, runProgram } from './program.ts';
import { pythonTools } from './python.ts';

// The very lines of docs/clients.md, as far as there are interpreters for them: not R and Dart.

const ROOT = join(import.meta.dirname, '../..');
let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  workspace = await Workspace.create();
  directory = await mkdtemp(join(tmpdir(), 'ocellus-docs-'));
  await putColours(workspace, 5);
  await cp(join(workspace.directory, 'buckets/images/blue/0.png'), join(directory, 'new.jpg'));
  await mkdir(join(workspace.directory, 'buckets/photos'));
  server = await startInProcess(workspace);
  const projectArn = await createProject(server.client, 'shown');
  const MODEL = await createVersion(server.client, projectArn, 'v1');
  await settled(server.client, projectArn, 'v1');
  await server.client.send(
    new StartProjectVersionCommand({ ProjectVersionArn: MODEL, MinInferenceUnits: 1 }),
  );
  expect((await settled(server.client, projectArn, 'v1')).Status).toBe('RUNNING');
  env = { ...clientEnvironment(server.url), MODEL };
}, 300_000);

afterAll(async () => {
  await server.close();
  await workspace.remove();
  await rm(directory, { recursive: true });
});

/** The one block in this language. */
async function linesIn(language: string): Promise<string> {
  const page = await readFile(join(ROOT, 'docs/clients.md'), 'utf8');
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))];
  expect(blocks).toHaveLength(1);
  return blocks[0]![1]!;
}

async function put(name: string, text: string): Promise<string> {
  await mkdir(join(directory, name, '..'), { recursive: true });
  await writeFile(join(directory, name), text);
  return join(directory, name);
}

/** Each client makes its project, and sees blue in the picture that is sent and in the bucket. */
function expectAnswers(output: string, client: string, pictures = 2): void {
  expect(output).toMatch(new RegExp(`:project/from-${client}/\\d{13}`));
  expect(output.match(/\bblue\b/g)).toHaveLength(pictures);
}

test('Python', async () => {
  const program = await put('new.py', await linesIn('python'));
  const command = join(await pythonTools(), 'python');
  expectAnswers(await runProgram({ command, args: [program], env, cwd: directory }), 'python');
});

test('AWS CLI', async () => {
  const args = ['-e', '-c', await linesIn('sh')];
  const PATH = `${await pythonTools()}:${env.PATH}`;
  expectAnswers(await runProgram({ command: 'sh', args, env: { ...env, PATH }, cwd: directory }), 'cli');
  expect(JSON.parse(await readFile(join(directory, 'version.json'), 'utf8'))).toHaveProperty('OutputConfig');
});

test('JavaScript', async () => {
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const args = [await put('new.mjs', await linesIn('js'))];
  expectAnswers(await runProgram({ command: process.execPath, args, env, cwd: directory }), 'javascript');
});

test('Rust', async () => {
  const project = join(directory, 'rust');
  await put('rust/src/main.rs', await linesIn('rust'));
  const manifest = await readFile(join(import.meta.dirname, 'rust/Cargo.toml'), 'utf8');
  await put('rust/Cargo.toml', manifest.replace('ocellus-life', 'ocellus-docs'));
  const lock = await readFile(join(import.meta.dirname, 'rust/Cargo.lock'), 'utf8');
  await put('rust/Cargo.lock', lock.replace('ocellus-life', 'ocellus-docs'));
  await buildRust(project);
  expectAnswers(
    await runProgram({ command: rustProgram('ocellus-docs'), args: [], env, cwd: directory }),
    'rust',
  );
});

test('Go', async () => {
  const project = join(directory, 'go');
  await put('go/main.go', await linesIn('go'));
  for (const name of ['go.mod', 'go.sum'])
    await cp(join(import.meta.dirname, 'go', name), join(project, name));
  await buildGo(project, 'ocellus-docs');
  expectAnswers(
    await runProgram({ command: goProgram('ocellus-docs'), args: [], env, cwd: directory }),
    'go',
    1,
  );
});
