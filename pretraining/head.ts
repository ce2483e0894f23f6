// Trains the detector's pyramid and head on pasted scenes, with a backbone that stays frozen.
//
// Usage: node pretraining/head.ts SCENES BACKBONE.onnx OUT.onnx [--views 9600] [--seed 0]
//
// SCENES is a folder of scenes.py. OUT is an ONNX file of nothing but weights, which publish.py adds to the backbone's: those of
// the labels are left out, since every detector has labels of its own.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBackbone } from '../src/vision/backbone.ts';
import { fitDetector } from '../src/vision/detection/fit.ts';
import { PictureFile } from '../src/vision/detection/pictures.ts';
import { freshHead, HEAD_PREFIX, withDetector } from '../src/vision/detection/pyramid.ts';
import { RECIPE } from '../src/vision/detector.ts';
import { findFeatureMaps } from '../src/vision/feature-maps.ts';
import { encodeModel } from '../src/vision/graph/onnx.ts';
import { inspectImage } from '../src/vision/image.ts';
import { random } from '../src/vision/random.ts';

interface Scenes {
  labels: string[];
  images: {
    file: string;
    boxes: { label: number; left: number; top: number; width: number; height: number }[];
  }[];
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    views: { type: 'string', default: '9600' },
    seed: { type: 'string', default: '0' },
  },
});
const [folder, backboneFile, out] = positionals;
if (!folder || !backboneFile || !out)
  throw new Error('Usage: node pretraining/head.ts SCENES BACKBONE.onnx OUT.onnx');
const seed = Number(options.seed);

const description = JSON.parse(await readFile(backboneFile.replace(/\.onnx$/, '.json'), 'utf8'));
const backbone = await openBackbone(await readFile(backboneFile), {
  name: description.name,
  inputSize: 128,
  mean: description.mean,
  std: description.std,
  output: 'features',
});
const maps = await findFeatureMaps(backbone.model);
if (!maps) throw new Error('The backbone has no feature maps');
const { labels, images }: Scenes = JSON.parse(await readFile(join(folder, 'scenes.json'), 'utf8'));
const weights = freshHead(maps, labels.length, random(seed));
const scratch = await mkdtemp(join(tmpdir(), 'ocellus-head-'));
const first = await readFile(join(folder, images[0]!.file));
const { width: side } = await inspectImage(first);
const file = await PictureFile.create(join(scratch, 'pixels'), side);
try {
  for (const [i, { file: name, boxes }] of images.entries()) {
    await file.store(i, await readFile(join(folder, name)), boxes);
  }
  await fitDetector(
    withDetector(backbone.model, maps, weights, [side, side]),
    { file, records: images.map((_, i) => i), labelCount: labels.length },
    backbone.normalization,
    { ...RECIPE, views: Number(options.views), viewSize: side },
    seed + 1,
    ({ fraction, loss, imagesPerSecond }) =>
      console.log(
        `${(100 * fraction).toFixed(1)} % loss ${loss.toFixed(3)} ${imagesPerSecond.toFixed(1)} views/s`,
      ),
    (name) => (name.startsWith(HEAD_PREFIX) ? 1 : 0),
  );
} finally {
  await file.remove();
  await rm(scratch, { recursive: true });
}
const shared = [...weights].filter(([name]) => !name.startsWith(`${HEAD_PREFIX}scores`));
await writeFile(
  out,
  encodeModel({
    opset: backbone.model.opset,
    nodes: [],
    initializers: new Map(shared),
    inputs: [],
    outputs: [],
    metadata: {},
  }),
);
