import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { BackboneDescription, openBackbone } from '../../src/vision/backbone.ts';
import { CACHE_MARGIN } from '../../src/vision/classifier.ts';
import { outputsOfLooks } from '../../src/vision/features.ts';
import { foldBatchNorm } from '../../src/vision/graph/fold.ts';
import { PixelFile } from '../../src/vision/pixels.ts';
import { AUGMENT } from '../../src/vision/tuning.ts';
import type { Outcome } from './ocellus.ts';
import type { Picture, Task } from './tasks.ts';

const PROGRAM = join(import.meta.dirname, 'peers.py');
/** As Ocellus's own head sees it: the whole picture, its mirror image and two random views. */
const VIEWS = 4;

/** What peers.py reads. */
interface Order {
  contender: string;
  seed: number;
  labels: string[];
  exclusive: boolean;
  training: Pick<Picture, 'file' | 'labels'>[];
  testing: Pick<Picture, 'file' | 'labels'>[];
  /** The ONNX file, its description, and the family of pretraining/networks.py that it is of. */
  backbone: string;
  description: BackboneDescription;
  family: string;
  epochs: number;
  /** Seconds that it may take, for contenders that have a time and no number of epochs. */
  seconds?: number;
  /** Float32 features `[training · views, width]` and `[testing, width]`. */
  features?: { training: string; testing: string; views: number; width: number };
}

/** Runs a contender of peers.py (in Python: `PYTHON`, else python3). */
export async function trainPeer(
  task: Task,
  settings: Pick<Order, 'contender' | 'seed' | 'backbone' | 'family' | 'epochs' | 'seconds'>,
): Promise<Outcome> {
  const { contender, seed, backbone } = settings;
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ocellus-bench-'));
  const folder = directory.path;
  const begun = performance.now();
  const description = BackboneDescription.parse(
    JSON.parse(await readFile(backbone.replace(/onnx$/, 'json'), 'utf8')),
  );
  const features = contender.startsWith('sklearn')
    ? await writeFeatures(task, backbone, description, seed, folder)
    : undefined;
  const exporting = (performance.now() - begun) / 1000;
  const { labels, exclusive, training, testing } = task;
  const order: Order = { ...settings, labels, exclusive, training, testing, description, features };
  await writeFile(join(folder, 'order.json'), JSON.stringify(order));
  const outcome = await runPython(join(folder, 'order.json'));
  return { ...outcome, seconds: outcome.seconds + exporting };
}

async function runPython(order: string): Promise<Outcome> {
  const child = spawn(process.env.PYTHON ?? 'python3', [PROGRAM, order], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`peers.py ended with ${code}`);
  return JSON.parse(output.toString());
}

/** Features of the frozen backbone, computed by Ocellus's own code. */
async function writeFeatures(
  { training, testing }: Task,
  path: string,
  description: BackboneDescription,
  seed: number,
  folder: string,
): Promise<Order['features']> {
  const { model, width, inputSize, normalization } = await openBackbone(await readFile(path), description);
  const folded = foldBatchNorm(model);
  const compute = async (pictures: Picture[], count: number) => {
    const pixels = await PixelFile.create(join(folder, 'pixels'), Math.round(inputSize * CACHE_MARGIN));
    for (const [i, { file }] of pictures.entries()) await pixels.store(i, await readFile(file));
    const records = pictures.map((_, i) => i);
    const random = { count, seed, augment: AUGMENT };
    const looks = { pixels: pixels.source, records, side: inputSize, normalization, mirrored: true, random };
    const rows = await outputsOfLooks(folded, looks, width);
    await pixels.remove();
    return rows;
  };
  const write = async (name: string, rows: Float32Array) => {
    const to = join(folder, `${name}.f32`);
    await writeFile(to, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    return to;
  };
  // The mean of the features gives the mean of the logits, which is what Ocellus answers by.
  const pairs = await compute(testing, 0);
  const means = Float32Array.from({ length: pairs.length / 2 }, (_, i) => {
    const at = i + Math.floor(i / width) * width;
    return (pairs[at]! + pairs[at + width]!) / 2;
  });
  return {
    training: await write('training', await compute(training, VIEWS - 2)),
    testing: await write('testing', means),
    views: VIEWS,
    width,
  };
}
