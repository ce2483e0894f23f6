import { createWriteStream } from 'node:fs';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readMetadata } from '../vision/graph/onnx.ts';
import { METADATA_KEY } from '../vision/model.ts';
import { type Client, openClient } from './client.ts';
import { CliError, defineCommand } from './command.ts';
import { requireVersion } from './names.ts';

const help = `Usage: ocellus export PROJECT VERSION [--to FILE.onnx]

Writes a version as an ONNX file, PROJECT-VERSION.onnx unless said otherwise, which every ONNX runtime loads, and beside
it FILE.json with what is needed to use it:
  labels, thresholds   the labels in the order of the scores, and the score from which each is assumed
  exclusive            true when an image has one label (scores sum to 1), false when each label stands by itself
  inputSize            images are resized to this many pixels a side, whole, RGB, with a filter that averages
  mean, std            per channel: (value / 255 - mean) / std
A model that finds objects has instead of the second and third:
  inputWidth, inputHeight   images are made to fit into so many pixels, in proportion, at the upper left; the rest is
                            0 after mean and std
and answers "detections", a row per object: left, top, right, bottom in pixels of the input, score, number of the label.
Files that are there already are not written over.`;

export const exportModel = defineCommand(
  { help, options: { to: { type: 'string' } }, operands: { minimum: 2, maximum: 2 } },
  async ([project = '', version = ''], { to = `${project}-${version}.onnx` }): Promise<undefined> => {
    if (!to.endsWith('.onnx')) throw new CliError(`--to must name an .onnx file, not ${to}.`, 2);
    const description = to.replace(/onnx$/, 'json');
    for (const file of [to, description]) await refuseExisting(file);
    const client = await openClient();
    const { ProjectVersionArn } = await requireVersion(client, project, version);
    await download(client, ProjectVersionArn!, to);
    const info: object = JSON.parse(readMetadata(await readFile(to))[METADATA_KEY]!);
    await writeFile(description, `${JSON.stringify({ ProjectVersionArn, ...info }, undefined, 2)}\n`);
    console.log(`${to}\n${description}`);
  },
);

async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists)
    throw new CliError(`${file} is there already. Move it away, or choose another file: --to FILE.onnx`);
}

/** A file that isn't whole isn't left. */
async function download(client: Client, arn: string, file: string): Promise<void> {
  const { body } = await client.get('model', arn);
  try {
    await pipeline(Readable.fromWeb(body!), createWriteStream(file, { flags: 'wx' }));
  } catch (error) {
    await rm(file, { force: true });
    throw new CliError(`${file} could not be written: ${(error as Error).message}`);
  }
}
