import { readFile } from 'node:fs/promises';
import type { Backbone } from '../vision/backbone.ts';
import { fineTuningGap } from '../vision/coverage.ts';
import { Executable } from '../vision/graph/executable.ts';
import { foldBatchNorm } from '../vision/graph/fold.ts';
import { encodeModel } from '../vision/graph/onnx.ts';
import { MAXIMUM_BYTES } from './add.ts';
import { BackboneError } from './error.ts';
import { checkFile } from './files.ts';
import { type BackboneRef, type Backbones, openFile } from './library.ts';
import { besideSource, readDescription } from './source.ts';

/** What a backbone can do. */
export interface Verification extends BackboneRef {
  inputSize: number;
  /** Features per picture. */
  width: number;
  /** Numbers that can be trained, and others. */
  parameters: number;
  /** On this machine, for one picture at a time: the median of several. */
  millisecondsPerPicture: number;
  /** Why it can't be fine-tuned; undefined when it can. */
  gap: string | undefined;
}

const RUNS = 5;

/**
 * Opens a backbone by its name (in the data directory, or the one that comes with Ocellus) or folder, or a file with its
 * description beside it, and runs it.
 * Throws BackboneError.
 */
export async function verifyBackbone(backbones: Backbones, text: string): Promise<Verification> {
  const backbone = await openNamed(backbones, text);
  const { name, checksum, inputSize, width, model } = backbone;
  const floats = [...model.initializers.values()].filter(({ type }) => type === 'float32');
  return {
    name,
    checksum,
    inputSize,
    width,
    parameters: floats.reduce((sum, { data }) => sum + data.length, 0),
    millisecondsPerPicture: await latency(backbone),
    gap: await fineTuningGap(backbone),
  };
}

async function openNamed(backbones: Backbones, text: string): Promise<Backbone> {
  const all = await backbones.list();
  const found = all.find(({ name, folder }) => name === text || folder.endsWith(`/${text}`));
  if (found) return await backbones.open(found);
  if (!/[/.]/.test(text)) {
    const names = all.map(({ name }) => name).join(', ');
    throw new BackboneError(`There is no backbone "${text}". There are: ${names}.`);
  }
  await checkFile(text, MAXIMUM_BYTES);
  return await openFile(await readFile(text), await readDescription(besideSource({ path: text }), 0));
}

async function latency({ model, inputSize }: Backbone): Promise<number> {
  const executable = await Executable.compile(encodeModel(foldBatchNorm(model)));
  const image = { data: new Float32Array(3 * inputSize ** 2), shape: [1, 3, inputSize, inputSize] };
  const times: number[] = [];
  try {
    // The first run prepares memory.
    for (let i = 0; i <= RUNS; i++) {
      const begun = performance.now();
      await executable.run({ image });
      if (i > 0) times.push(performance.now() - begun);
    }
  } finally {
    await executable.release();
  }
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!;
}
