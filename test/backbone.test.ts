import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Backbones } from '../src/backbones/library.ts';
import { readMetadata } from '../src/vision/graph/onnx.ts';
import { createProject, createVersion, putColours, settled, startInProcess, Workspace } from './harness.ts';
import { putBackbone } from './tiny-backbone.ts';

let workspace: Workspace;

beforeEach(async () => {
  workspace = await Workspace.create();
  await putColours(workspace, 5);
});
afterEach(() => workspace.remove());

const put = (name: string, seed: number, end?: string) => putBackbone(workspace.directory, name, seed, end);

/** What the only version's model says that it was made from. */
async function backboneOfModel() {
  const versions = join(workspace.directory, 'versions');
  const [id] = await readdir(versions);
  return JSON.parse(readMetadata(await readFile(join(versions, id!, 'model.onnx'))).ocellus!).backbone;
}

test('a backbone that cannot be fine-tuned is used frozen, and the version says so', async () => {
  const server = await startInProcess(workspace, {
    OCELLUS_BACKBONE: await put('odd', 1, 'Mish'),
    OCELLUS_BUDGET: 'balanced',
  });
  const project = await createProject(server.client, 'p');
  await createVersion(server.client, project, 'v');
  const version = await settled(server.client, project, 'v');
  await server.close();
  expect(version.Status).toBe('TRAINING_COMPLETED');
  expect(version.StatusMessage).toBe(
    'The model is ready to run. ' +
      '(The backbone odd stays frozen. Mish (backbone.end): The operator Mish is not in the operator table)',
  );
  expect(await backboneOfModel()).toMatchObject({ name: 'odd', fineTuned: false });
});

test('without a setting a training starts from the backbone that comes with Ocellus', async () => {
  const server = await startInProcess(workspace, { OCELLUS_BACKBONE: '' });
  const project = await createProject(server.client, 'p');
  await createVersion(server.client, project, 'v');
  const version = await settled(server.client, project, 'v');
  await server.close();
  expect(version.Status).toBe('TRAINING_COMPLETED');
  const { name, checksum } = await new Backbones('').shipped();
  expect(await backboneOfModel()).toMatchObject({ name, checksum });
});

test('a training keeps the backbone that it was created with, whatever is set when it goes on', async () => {
  const first = await put('first', 1);
  const before = await startInProcess(workspace, { OCELLUS_BACKBONE: first });
  const project = await createProject(before.client, 'p');
  await createVersion(before.client, project, 'v');
  await before.close();
  await rm(first);
  const after = await startInProcess(workspace, { OCELLUS_BACKBONE: await put('second', 2) });
  const version = await settled(after.client, project, 'v');
  await after.close();
  expect(version.Status).toBe('TRAINING_COMPLETED');
  expect(await backboneOfModel()).toMatchObject({ name: 'first' });
});

test('a training whose backbone was removed fails with the reason', async () => {
  const before = await startInProcess(workspace, { OCELLUS_BACKBONE: await put('gone', 1) });
  const project = await createProject(before.client, 'p');
  await createVersion(before.client, project, 'v');
  await before.close();
  await rm(join(workspace.directory, 'backbones'), { recursive: true });
  const after = await startInProcess(workspace);
  const version = await settled(after.client, project, 'v');
  await after.close();
  expect(version).toMatchObject({
    Status: 'TRAINING_FAILED',
    StatusMessage: expect.stringMatching(/^The backbone gone \(SHA-256 \w{64}\) is not in the server's data/),
  });
});

test('the server says at its start what is wrong with its backbone', async () => {
  const start = (OCELLUS_BACKBONE: string) => startInProcess(workspace, { OCELLUS_BACKBONE });
  await expect(start(join(workspace.directory, 'absent.onnx'))).rejects.toThrow(
    /There is no file .*absent\.onnx/,
  );
  const text = await put('text', 1);
  await writeFile(text, 'This is not a model.');
  await expect(start(text)).rejects.toThrow("The backbone text can't be used. The file is not an ONNX model");
  await (await start(await put('good', 1))).close();
});
