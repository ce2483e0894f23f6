import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInProcess, Workspace } from '../harness.ts';
import { drawScene, SCENE_SIDE, scene } from '../scenes.ts';
import { clientEnvironment, runProgram } from './program.ts';
import { pythonTools } from './python.ts';

// A client's life of a model that finds objects: pictures with boxes instead of labels.

const COUNT = 30;
let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace);
});
afterAll(async () => {
  await server.close();
  await workspace.remove();
});

test('boto3', async () => {
  const pictures = join(workspace.directory, 'pictures');
  await mkdir(pictures);
  const boxes: Record<string, object> = {};
  for (let i = 0; i < COUNT; i++) {
    await writeFile(join(pictures, `${i}.png`), await drawScene(scene(i), i));
    boxes[`${i}.png`] = { size: [SCENE_SIDE, SCENE_SIDE], boxes: scene(i) };
  }
  await writeFile(join(pictures, 'boxes.json'), JSON.stringify(boxes));
  const env = clientEnvironment(server.url);
  const PATH = `${await pythonTools()}:${env.PATH}`;
  const program = join(import.meta.dirname, 'boto3/objects.py');
  const output = await runProgram({ command: 'python', args: [program, pictures], env: { ...env, PATH } });
  expect(output).toContain('boto3: the life of a model that finds objects');
});
