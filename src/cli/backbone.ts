import { addBackbone } from '../backbones/add.ts';
import { backbonesIn, type InstalledBackbone, modelPath } from '../backbones/library.ts';
import { verifyBackbone } from '../backbones/verify.ts';
import { readConfig } from '../config.ts';
import { CliError, commandGroup, defineCommand } from './command.ts';
import { formatTable, formatTime } from './table.ts';

/** Of the data directory that the settings name. Works beside a running server, and without one. */
function backbonesHere() {
  try {
    return backbonesIn(readConfig(process.env).dataDirectory);
  } catch (error) {
    throw new CliError(`The settings are not usable:\n${(error as Error).message}`, 2);
  }
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

const add = defineCommand(
  {
    help: `Usage: ocellus backbone add FILE-OR-URL [--json FILE-OR-URL] [--name NAME] [--sha256 CHECKSUM]

Takes a backbone into the data folder (OCELLUS_DATA_DIR): an ONNX file and the JSON file that describes it, which has the
same name and lies beside it (docs/backbones.md). A download that broke off goes on where it stopped.

Options:
  --json FILE-OR-URL   the description, where it lies elsewhere
  --name NAME          another name than that in the description
  --sha256 CHECKSUM    refuse any other file

Example: ocellus backbone add dinov2-small.onnx`,
    options: { json: { type: 'string' }, name: { type: 'string' }, sha256: { type: 'string' } },
    operands: { minimum: 1, maximum: 1 },
  },
  async ([source = ''], { json, name, sha256 }): Promise<undefined> => {
    if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256)) {
      throw new CliError('--sha256 must be 64 hexadecimal digits.', 2);
    }
    const added = await addBackbone(backbonesHere(), source, {
      description: json,
      name,
      checksum: sha256,
      onProgress: process.stderr.isTTY ? showDownload : undefined,
    });
    console.log(describeAdded(added));
  },
);

function showDownload(bytes: number, total: number | undefined): void {
  const of = total === undefined ? '' : ` of ${megabytes(total)}`;
  process.stderr.write(`\r\x1b[2K${megabytes(bytes)}${of} MB${bytes === total ? '\n' : ''}`);
}

function describeAdded({ name, checksum, bytes, folder }: InstalledBackbone): string {
  return `${name}   ${megabytes(bytes)} MB   SHA-256 ${checksum}

To train from it:        export OCELLUS_BACKBONE=${modelPath(folder)}   (before "ocellus serve")
To see what it can do:   ocellus backbone verify ${name}`;
}

const list = defineCommand(
  {
    help: `Usage: ocellus backbone list [--json]

Lists the backbones in the data folder and the one that comes with Ocellus, the latest first. --json prints one JSON object per line.`,
    options: { json: { type: 'boolean' } },
    operands: { minimum: 0, maximum: 0 },
  },
  async (_operands, { json }): Promise<undefined> => {
    const all = await backbonesHere().list();
    if (json) for (const each of all) console.log(JSON.stringify(each));
    else console.log(backboneTable(all));
  },
);

function backboneTable(all: InstalledBackbone[]): string {
  const rows = all.map(({ name, bytes, checksum, description, addedAt, from }) => [
    name,
    megabytes(bytes),
    String(description.inputSize),
    `${checksum.slice(0, 12)} `,
    formatTime(addedAt / 1000),
    from,
  ]);
  return formatTable([['name', 'MB', 'pixels', 'SHA-256', 'added', 'from'], ...rows]);
}

const verify = defineCommand(
  {
    help: `Usage: ocellus backbone verify NAME-OR-FILE [--json]

Opens a backbone, one of those that "ocellus backbone list" shows or a file, and runs it: says how many features it has, how long a picture takes,
and whether it can be fine-tuned.`,
    options: { json: { type: 'boolean' } },
    operands: { minimum: 1, maximum: 1 },
  },
  async ([text = ''], { json }): Promise<undefined> => {
    const found = await verifyBackbone(backbonesHere(), text);
    if (json) return void console.log(JSON.stringify(found));
    const { name, checksum, inputSize, width, parameters, millisecondsPerPicture, gap } = found;
    console.log(`${name}   SHA-256 ${checksum}
input         ${inputSize} x ${inputSize} pixels
features      ${width}
parameters    ${(parameters / 1e6).toFixed(1)} million
per picture   ${millisecondsPerPicture.toFixed(1)} ms on this machine
fine-tuning   ${gap === undefined ? 'yes' : `no: it is used frozen. ${gap}`}`);
  },
);

export const backbone = commandGroup('ocellus backbone', 'The networks that trainings start from.', {
  add: { summary: 'take one into the data folder', load: async () => add },
  list: {
    summary: 'list those in the data folder and the one that comes with Ocellus',
    load: async () => list,
  },
  verify: { summary: 'open one, run it and say what it can do', load: async () => verify },
});
