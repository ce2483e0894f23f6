import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { putBackbone } from '../../test/tiny-backbone.ts';
import { ocellus } from './ocellus.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-cli-backbone-'));
  vi.stubEnv('OCELLUS_DATA_DIR', join(folder, 'data'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function run(...args: string[]): Promise<{ status: number; text: string }> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(line));
  const status = await ocellus(['backbone', ...args]);
  return { status, text: lines.join('\n') };
}

test('one is added, listed and verified', async () => {
  expect(await run('list')).toMatchObject({
    status: 0,
    text: expect.stringMatching(/^ocellus-.* Ocellus$/m),
  });
  const path = await putBackbone(folder, 'tiny', 1);
  const added = await run('add', path, '--name', 'mine');
  expect(added.status).toBe(0);
  const [, checksum] = /SHA-256 (\w{64})/.exec(added.text)!;
  const model = join(folder, 'data/backbones', `mine-${checksum!.slice(0, 12)}`, 'backbone.onnx');
  expect(added.text).toContain(`OCELLUS_BACKBONE=${model}`);
  expect(await readFile(model)).toEqual(await readFile(path));

  const listed = await run('list');
  expect(listed.text).toMatch(new RegExp(`^mine .*${checksum!.slice(0, 12)}.*${path}$`, 'm'));
  const [latest] = (await run('list', '--json')).text.split('\n');
  expect(JSON.parse(latest!)).toMatchObject({ name: 'mine', checksum });

  for (const name of ['mine', `mine-${checksum!.slice(0, 12)}`, path]) {
    const { status, text } = await run('verify', name);
    expect(status).toBe(0);
    expect(text).toMatch(/^input +32 x 32 pixels$/m);
    expect(text).toMatch(/^features +12$/m);
    expect(text).toMatch(/^per picture +[\d.]+ ms on this machine$/m);
    expect(text).toMatch(/^fine-tuning +yes$/m);
  }
  expect(JSON.parse((await run('verify', 'mine', '--json')).text)).toMatchObject({ width: 12, checksum });
});

test('verify says which operator keeps a backbone frozen', async () => {
  const { status, text } = await run('verify', await putBackbone(folder, 'odd', 1, 'Mish'));
  expect(status).toBe(0);
  expect(text).toMatch(
    /^fine-tuning +no: it is used frozen\. .*The operator Mish is not in the operator table/m,
  );
});

test('one is added from the web, with a description from elsewhere', async () => {
  const bytes = await readFile(await putBackbone(folder, 'tiny', 1));
  const server = createServer((request, response) => {
    response
      .writeHead(request.url === '/tiny.onnx' ? 200 : 404)
      .end(request.url === '/tiny.onnx' ? bytes : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.onnx`;
  expect(await run('add', url)).toMatchObject({ status: 1, text: expect.stringMatching(/tiny\.json.* 404/) });
  const wrong = await run('add', url, '--json', join(folder, 'tiny.json'), '--sha256', 'a'.repeat(64));
  expect(wrong).toMatchObject({ status: 1, text: expect.stringContaining('and not aaaa') });
  expect(await run('add', url, '--json', join(folder, 'tiny.json'))).toMatchObject({ status: 0 });
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  [['verify', 'absent'], 1, 'There is no backbone "absent". There are: ocellus-'],
  [['verify', './absent.onnx'], 1, 'There is no file'],
  [['add', '/absent.onnx'], 1, 'There is no file /absent.onnx.'],
  [['add', 'x.onnx', '--sha256', 'abc'], 2, '64 hexadecimal digits'],
  [['add'], 2, 'Something is missing'],
  [['remove', 'x'], 2, 'There is no command "remove"'],
])('%s is refused', async (args, status, message) => {
  expect(await run(...args)).toMatchObject({ status, text: expect.stringContaining(message) });
});
