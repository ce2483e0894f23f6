import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeModel } from '../vision/graph/onnx.ts';
import { residualNetwork } from '../vision/network.ts';
import { random } from '../vision/random.ts';
import { addBackbone, partPath, resolveBackbone } from './add.ts';
import { Backbones } from './library.ts';

const network = residualNetwork({ widths: [8, 16], labels: 12 }, random(4));
const MODEL = Buffer.from(encodeModel(network));
const CHECKSUM = createHash('sha256').update(MODEL).digest('hex');
const DESCRIPTION = { name: 'tiny', inputSize: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const HALF = Math.ceil(MODEL.length / 2);
const JSON_TEXT = JSON.stringify(DESCRIPTION);

/** What differs from a file that is taken. */
interface Change {
  from?: string;
  json?: string;
  model?: string | Uint8Array;
  checksum?: string;
  maximumBytes?: number;
}

let folder: string;
let backbones: Backbones;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocellus-backbones-'));
  backbones = new Backbones(join(folder, 'data/backbones'), join(folder, 'shipped'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Nothing but finished backbones lies in the data directory. */
async function expectNoRemains(): Promise<void> {
  const names = await readdir(backbones.root).catch(() => []);
  for (const name of names) expect(name).not.toMatch(/^\.new/);
  expect(await readdir(join(backbones.root, '.downloads')).catch(() => [])).toEqual([]);
}

describe('from a file', () => {
  let file: string;
  beforeEach(async () => {
    file = join(folder, 'tiny.onnx');
    await writeFile(file, MODEL);
    await writeFile(join(folder, 'tiny.json'), JSON_TEXT);
  });

  test('it is kept with its description under its name and checksum, once', async () => {
    const added = await addBackbone(backbones, file, { checksum: CHECKSUM });
    expect(added).toMatchObject({ name: 'tiny', checksum: CHECKSUM, bytes: MODEL.length, from: file });
    expect(added.folder).toBe(join(backbones.root, `tiny-${CHECKSUM.slice(0, 12)}`));
    expect(await readFile(join(added.folder, 'backbone.onnx'))).toEqual(MODEL);
    expect(await addBackbone(backbones, pathToFileURL(file).href)).toEqual(added);
    expect(await backbones.list()).toEqual([added]);
    expect((await backbones.open(added)).width).toBe(12);
    // The copy in the data directory can be named as any other file can.
    expect(await resolveBackbone(backbones, join(added.folder, 'backbone.onnx'))).toEqual(added);
    await expectNoRemains();
  });

  test('another name makes another backbone; another description of the same name is refused', async () => {
    const first = await addBackbone(backbones, file);
    await writeFile(join(folder, 'other.json'), JSON.stringify({ ...DESCRIPTION, mean: [0, 0, 0] }));
    const other = { description: join(folder, 'other.json') };
    await expect(addBackbone(backbones, file, other)).rejects.toThrow('another description');
    const second = await addBackbone(backbones, file, { ...other, name: 'second' });
    expect(second.description).toMatchObject({ name: 'second', mean: [0, 0, 0] });
    expect(await backbones.list()).toEqual([second, first].sort((a, b) => b.addedAt - a.addedAt));
    await expect(addBackbone(backbones, file, { name: '../x' })).rejects.toThrow('"../x" is not a name');
  });

  test.each([
    ['a file that is not there', { from: 'absent.onnx' }, /^There is no file .*absent\.onnx\.$/],
    ['a folder', { from: '.' }, /is not a file/],
    ['an address of another kind', { from: 's3://bucket/tiny.onnx' }, /use a path or an http, https or file/],
    ['an address that is none', { from: 'http://:80:80/' }, /is not an address/],
    ['an address with a password', { from: 'http://a:secret@host/tiny.onnx' }, /^http:\/\/…@host.* password/],
    ['no description', { json: undefined }, /needs a JSON file that describes it.*tiny\.json/],
    ['a description that is not JSON', { json: 'name: tiny' }, /tiny\.json is not JSON/],
    ['a description that lacks something', { json: '{"name":"tiny"}' }, /inputSize/],
    ['a description of 65 kB', { json: ' '.repeat(65_537) }, /more than 65536 bytes/],
    [
      'another checksum',
      { checksum: 'ab'.repeat(32) },
      new RegExp(`has the SHA-256 ${CHECKSUM}, and not abab`),
    ],
    ['more than the maximum', { maximumBytes: 1000 }, /has more than 1000 bytes/],
    ['text', { model: '<html>' }, /The backbone tiny can't be used. The file is not an ONNX model/],
    ['half a file', { model: MODEL.subarray(0, MODEL.length / 2) }, /can't be used/],
    [
      'a file with two inputs',
      { model: encodeModel({ ...network, inputs: [...network.inputs, { name: 'mask' }] }) },
      /has one input; this file has 2/,
    ],
    [
      'an operator that nobody knows',
      {
        model: encodeModel({
          ...network,
          nodes: network.nodes.map((n, i) => (i ? n : { ...n, type: 'Foo' })),
        }),
      },
      /Foo/,
    ],
  ] as [string, Change, RegExp][])('%s is refused', async (_name, change, message) => {
    const { from = 'tiny.onnx', json = 'json' in change ? undefined : JSON_TEXT, model, ...options } = change;
    if (model) await writeFile(file, model);
    if (json === undefined) await rm(join(folder, 'tiny.json'));
    else await writeFile(join(folder, 'tiny.json'), json);
    const source = /:\/\//.test(from) ? from : join(folder, from);
    await expect(addBackbone(backbones, source, options)).rejects.toThrow(message);
    expect(await backbones.list()).toEqual([]);
    await expectNoRemains();
  });

  test('one that was removed or changed behind our back is not used', async () => {
    const added = await addBackbone(backbones, file);
    await writeFile(join(added.folder, 'backbone.onnx'), encodeModel({ ...network, metadata: { a: 'b' } }));
    await expect(backbones.open(added)).rejects.toThrow('was changed');
    await rm(added.folder, { recursive: true });
    await expect(backbones.open(added)).rejects.toThrow(`The backbone tiny (SHA-256 ${CHECKSUM}) is not in`);
  });

  test('what a crash left half made is removed at the next start, but not what another process makes', async () => {
    const ours = `.new-${process.pid}-2`;
    const others = `.new-${process.ppid}-2`;
    await mkdir(join(backbones.root, ours), { recursive: true });
    await mkdir(join(backbones.root, others));
    expect(await backbones.list()).toEqual([]);
    await backbones.removeRemains();
    expect(await readdir(backbones.root)).toEqual([others]);
  });
});

describe('from the web', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  let server: Server;
  let base: string;
  /** Answers to the requests for the model, in their order; the last one goes on. */
  let answers: Answer[];
  let asked: IncomingMessage[];

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      if (request.url === '/tiny.json') return void response.end(JSON_TEXT);
      asked.push(request);
      (answers.length > 1 ? answers.shift()! : answers[0]!)(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const address = () => `${base}/tiny.onnx?download=true`;
  const tag = (name: string) => ({ etag: `"${name}"` });
  /** The file as it is, or the part that is asked for. */
  const whole =
    (headers: Record<string, string> = tag('one')): Answer =>
    ({ headers: { range, 'if-range': condition } }, response) => {
      const offset = range && condition === headers.etag ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
      const body = MODEL.subarray(offset);
      response.writeHead(offset ? 206 : 200, {
        ...headers,
        'content-length': body.length,
        ...(offset && { 'content-range': `bytes ${offset}-${MODEL.length - 1}/${MODEL.length}` }),
      });
      response.end(body);
    };
  /** Half of the file; when that is on the disk, the connection is cut. */
  const cut =
    (headers: Record<string, string> = tag('one')): Answer =>
    async ({ socket }, response) => {
      response.writeHead(200, { ...headers, 'content-length': MODEL.length });
      response.write(MODEL.subarray(0, HALF));
      const part = partPath(backbones, new URL(address()));
      await expect.poll(() => stat(part).then(({ size }) => size)).toBe(HALF);
      socket.destroy();
    };
  const refuse =
    (status: number, headers: Record<string, string> = {}): Answer =>
    (_request, response) =>
      void response.writeHead(status, headers).end();
  const redirect =
    (to: string): Answer =>
    (_request, response) =>
      void response.writeHead(302, { location: to }).end();
  const ranges = () => asked.map(({ headers }) => headers.range);

  test('it is downloaded, and asked for once', async () => {
    answers = [redirect('/elsewhere'), whole()];
    const seen: (number | undefined)[][] = [];
    const added = await addBackbone(backbones, address(), {
      checksum: CHECKSUM.toUpperCase(),
      onProgress: (bytes, total) => void seen.push([bytes, total]),
    });
    expect(added).toMatchObject({ name: 'tiny', checksum: CHECKSUM, from: address() });
    expect(seen.at(-1)).toEqual([MODEL.length, MODEL.length]);
    expect(asked).toHaveLength(2);
    expect(await resolveBackbone(backbones, address())).toEqual(added);
    expect(asked).toHaveLength(2);
    await expectNoRemains();
  });

  test('a download that breaks off goes on where it stopped', async () => {
    answers = [cut(), whole()];
    expect(await addBackbone(backbones, address())).toMatchObject({ checksum: CHECKSUM });
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
  });

  test('so does the next call, after a process that ended', async () => {
    answers = [cut(), refuse(503)];
    await expect(addBackbone(backbones, address())).rejects.toThrow('answered 503 Service Unavailable');
    answers = [whole()];
    expect(await addBackbone(backbones, address())).toMatchObject({ checksum: CHECKSUM });
    expect(ranges().at(-1)).toBe(`bytes=${HALF}-`);
    await expectNoRemains();
  });

  test('not when the file has changed meanwhile, or can not be told from a changed one', async () => {
    answers = [cut(tag('old')), whole(tag('new'))];
    expect(await addBackbone(backbones, address())).toMatchObject({ checksum: CHECKSUM });
    expect(asked.at(-1)!.headers['if-range']).toBe('"old"');
    asked = [];
    answers = [cut({}), whole({})];
    expect(await addBackbone(backbones, address(), { name: 'other' })).toMatchObject({ checksum: CHECKSUM });
    expect(ranges()).toEqual([undefined, undefined]);
  });

  test('a whole file that a crash left is asked for again when the server can not go on after its end', async () => {
    answers = [cut(), refuse(503)];
    await expect(addBackbone(backbones, address())).rejects.toThrow('503');
    answers = [refuse(416), whole()];
    expect(await addBackbone(backbones, address())).toMatchObject({ checksum: CHECKSUM });
    expect(ranges().at(-1)).toBeUndefined();
  });

  test.each([
    ['a file that is not there', refuse(404), {}, /tiny\.onnx\?download=true answered 404 Not Found$/],
    ['another checksum', whole(), { checksum: '0'.repeat(64) }, /and not 0000/],
    ['a length above the maximum', whole(), { maximumBytes: 2000 }, /more than 2000 bytes/],
    ['a redirection without an end', (r, s) => redirect(r.url!)(r, s), {}, /redirects more than 5 times/],
    ['a redirection to a file', redirect('file:///etc/passwd'), {}, /redirects to file:.* not followed/],
    ['a connection that is closed at once', ({ socket }) => void socket.destroy(), {}, /can't be downloaded/],
    ['text', (_r, s) => void s.end('<html>'), {}, /not an ONNX model/],
  ] as [string, Answer, object, RegExp][])('%s is refused', async (_name, answer, options, message) => {
    answers = [answer];
    await expect(addBackbone(backbones, address(), options)).rejects.toThrow(message);
    expect(await backbones.list()).toEqual([]);
  });

  test('an endless file is refused at the maximum', async () => {
    let sent = 0;
    answers = [
      (_request, response) => {
        const send = () => {
          while (sent < 50_000_000 && response.write(Buffer.alloc(65_536))) sent += 65_536;
        };
        response.on('drain', send);
        send();
      },
    ];
    await expect(addBackbone(backbones, address(), { maximumBytes: 200_000 })).rejects.toThrow(
      'more than 200000 bytes',
    );
    expect((await stat(partPath(backbones, new URL(address())))).size).toBeLessThanOrEqual(200_000);
  });

  test('a server that falls silent is given up', async () => {
    answers = [(_request, response) => void response.writeHead(200, { 'content-length': 5 }).write('a')];
    await expect(addBackbone(backbones, address(), { patience: 150 })).rejects.toThrow(
      'nothing came for 0.15 seconds',
    );
  });

  test('no description', async () => {
    answers = [refuse(404)];
    await expect(addBackbone(backbones, `${base}/other.onnx`)).rejects.toThrow(
      /JSON file that describes it, and http.*\/other\.json can't be read: it answered 404 Not Found/,
    );
  });

  test('a full disk', async () => {
    const part = partPath(backbones, new URL(address()));
    await mkdir(dirname(part), { recursive: true });
    await symlink('/dev/full', part);
    answers = [whole()];
    await expect(addBackbone(backbones, address())).rejects.toThrow(/The disk of .* is full/);
  });

  test('one process at a time', async () => {
    const part = partPath(backbones, new URL(address()));
    await mkdir(dirname(part), { recursive: true });
    await writeFile(`${part}.lock`, String(process.ppid));
    answers = [whole()];
    await expect(addBackbone(backbones, address())).rejects.toThrow('is being downloaded by another process');
    await writeFile(`${part}.lock`, '');
    expect(await addBackbone(backbones, address())).toMatchObject({ checksum: CHECKSUM });
    await expectNoRemains();
  });
});
