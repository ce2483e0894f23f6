import { appendFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { putBackbone } from '../../test/tiny-backbone.ts';
import { addBackbone, resolveBackbone } from './add.ts';
import { checksumOf } from './files.ts';
import { Backbones } from './library.ts';

let folder: string;
let shipped: string;
let backbones: Backbones;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-library-'));
  shipped = join(folder, 'shipped');
  backbones = new Backbones(join(folder, 'data'), shipped);
});
afterEach(() => rm(folder, { recursive: true }));

/** Puts a backbone where the one that comes with Ocellus lies, as pretraining.publish does. */
async function ship(name: string, seed: number): Promise<string> {
  const path = await putBackbone(folder, name, seed);
  await mkdir(shipped, { recursive: true });
  await rename(path, join(shipped, 'backbone.onnx'));
  await rename(join(folder, `${name}.json`), join(shipped, 'backbone.json'));
  const checksum = await checksumOf(join(shipped, 'backbone.onnx'));
  const { length: bytes } = await readFile(join(shipped, 'backbone.onnx'));
  await writeFile(
    join(shipped, 'added.json'),
    JSON.stringify({ checksum, bytes, from: 'Ocellus', addedAt: 0 }),
  );
  return checksum;
}

test('without a setting trainings start from the backbone that comes with Ocellus, where it lies', async () => {
  const checksum = await ship('own', 1);
  const chosen = await resolveBackbone(backbones, undefined);
  expect(chosen).toMatchObject({ name: 'own', checksum, folder: shipped, from: 'Ocellus' });
  expect(await backbones.open({ name: 'own', checksum })).toMatchObject({ name: 'own', checksum, width: 12 });
  expect(await resolveBackbone(backbones, 'none')).toBeUndefined();

  const added = await addBackbone(backbones, await putBackbone(folder, 'mine', 2));
  expect(await backbones.list()).toEqual([added, chosen]);
  expect(await backbones.open(added)).toMatchObject({ name: 'mine' });
});

test('its path may be the setting', async () => {
  const checksum = await ship('own', 1);
  expect(await resolveBackbone(backbones, join(shipped, 'backbone.onnx'))).toMatchObject({ checksum });
});

test('a file that is not the published one is refused', async () => {
  await ship('own', 1);
  await appendFile(join(shipped, 'backbone.onnx'), 'x');
  await expect(resolveBackbone(backbones, undefined)).rejects.toThrow(
    `The file of the backbone own was changed: ${join(shipped, 'backbone.onnx')}`,
  );
});

test('when it is missing, the server says so, and none is still possible', async () => {
  await expect(resolveBackbone(backbones, undefined)).rejects.toThrow(
    `The backbone that comes with Ocellus is not in ${shipped}.`,
  );
  expect(await resolveBackbone(backbones, 'none')).toBeUndefined();
});

test('that of an earlier version of Ocellus is not mistaken for it', async () => {
  const before = await ship('own', 1);
  await ship('own', 2);
  await expect(backbones.open({ name: 'own', checksum: before })).rejects.toThrow(
    /own \(SHA-256 \w{64}\) is not in .* nor does it come with this version of Ocellus/,
  );
});
