// Does a training wait for a remote object store? Reads and decodes a set's images as a training does, once from files and
// once through the S3 client from a service that answers each request after 50 ms. Usage: node bench/remote-reads.ts
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { S3Objects } from '../src/objects/s3.ts';
import { readAhead } from '../src/training/images.ts';
import { PixelFile } from '../src/vision/pixels.ts';

const DELAY_MS = 50;
const images = join(process.env.OCELLUS_TEST_DATA ?? '../shared/data', 'clothing', 'images');
const scratch = await mkdtemp(join(tmpdir(), 'ocellus-bench-'));
const files = (await readdir(images)).sort();

const service = createServer(async (request, response) => {
  const path = join(images, decodeURIComponent(request.url!.split('?')[0]!.split('/').at(-1)!));
  await delay(DELAY_MS);
  const { size } = await stat(path);
  response.writeHead(200, { 'content-length': size, etag: '"x"' });
  createReadStream(path).pipe(response);
});
await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));

/** Images a second, read and decoded one after the other as the trainer asks for them. */
async function decodeAll(load: (index: number) => Promise<Uint8Array>): Promise<number> {
  const pixels = await PixelFile.create(join(scratch, 'pixels'), 110);
  const begun = performance.now();
  for (const index of files.keys()) await pixels.store(index, await load(index));
  const seconds = (performance.now() - begun) / 1000;
  await pixels.remove();
  return files.length / seconds;
}

const objects = new S3Objects({
  endpoint: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
  region: 'us-east-1',
  pathStyle: true,
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
});
const places = files.map((key) => ({ bucket: 'images', key }));
const local = await decodeAll((index) => readFile(join(images, files[index]!)));
const oneByOne = await decodeAll((index) => objects.read(places[index]!, 15 * 1024 ** 2));
const ahead = await decodeAll(readAhead(places, objects));
const row = (name: string, rate: number) =>
  `| ${name} | ${rate.toFixed(0)} images/s | ${(rate / local).toFixed(2)} |`;
console.log('| read and decoded | measured | ratio |\n|---|---|---|');
console.log(row('from files', local));
console.log(row(`from a service that takes ${DELAY_MS} ms, as a training reads it`, ahead));
console.log(row('the same, without reading ahead', oneByOne));
service.close();
service.closeAllConnections();
await rm(scratch, { recursive: true });
