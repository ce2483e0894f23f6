import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCredentials } from './credentials.ts';

let folder: string;
const config = () => ({
  credentials: undefined,
  dataDirectory: join(folder, 'data'),
  accountId: '111122223333',
});
const file = () => join(folder, 'data', 'credentials.json');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('a key pair is made on first start, kept, and readable by its owner only', async () => {
  const first = await loadCredentials(config());
  expect(first.created).toBe(true);
  expect(first.administrator.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
  expect(first.administrator.secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
  expect((await stat(file())).mode & 0o777).toBe(0o600);

  const second = await loadCredentials(config());
  expect(second.administrator).toEqual(first.administrator);
  expect(second.created).toBe(false);
  expect(await readdir(join(folder, 'data'))).toEqual(['credentials.json']);
});

test('starts at the same time agree on one pair', async () => {
  const loaded = await Promise.all(Array.from({ length: 8 }, () => loadCredentials(config())));
  expect(new Set(loaded.map(({ administrator }) => administrator.accessKeyId)).size).toBe(1);
  expect(loaded.filter(({ created }) => created)).toHaveLength(1);
  expect(await readdir(join(folder, 'data'))).toEqual(['credentials.json']);
});

test('the settings go before the file and leave none', async () => {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  const loaded = await loadCredentials({ ...config(), credentials });
  expect(loaded.administrator).toEqual(credentials);
  expect(await readdir(folder)).toEqual([]);
  expect(await loaded.find('AKIDEXAMPLE')).toEqual({
    secretAccessKey: 'secret',
    arn: 'arn:aws:iam::111122223333:user/administrator',
    account: '111122223333',
  });
});

test('another access key belongs to nobody', async () => {
  const { find, administrator } = await loadCredentials(config());
  expect(await find(administrator.accessKeyId.toLowerCase())).toBeUndefined();
  expect(await find('')).toBeUndefined();
  expect(await find('__proto__')).toBeUndefined();
});

test.each(['', '{', '[]', '{"accessKeyId":"A"}', '{"accessKeyId":"","secretAccessKey":"x"}'])(
  'a broken file (%s) is left alone and says what to do',
  async (content) => {
    await loadCredentials(config());
    await writeFile(file(), content);
    await expect(loadCredentials(config())).rejects.toThrow(
      /credentials\.json: .*delete the file.*OCELLUS_ACCESS_KEY_ID/,
    );
    expect(await readFile(file(), 'utf8')).toBe(content);
  },
);
