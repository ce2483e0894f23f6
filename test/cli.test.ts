import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ocellus } from '../src/cli/ocellus.ts';
import { COLOURS, createProject, KEYS, picture, startInProcess, Workspace } from './harness.ts';

// The commands as people type them, in processes of their own against a real server.

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const GUIDE = new URL('../docs/cli.md', import.meta.url);

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
/** Where the commands are called from. */
let folder: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  folder = join(workspace.directory, 'here');
  server = await startInProcess(workspace);
  for (const [label, colour] of Object.entries(COLOURS)) {
    for (let i = 0; i < 10; i++) await put(`photos/${label}/${i}.png`, await picture(colour, i));
    await put(`new/${label}.png`, await picture(colour, 99));
  }
  await put('bin/ocellus', `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  await chmod(join(folder, 'bin/ocellus'), 0o755);
});
afterAll(async () => {
  await server.close();
  await workspace.remove();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function put(path: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

/** On the server's own machine: only its data folder is known, and its port since that isn't the usual one. */
const local = () => ({ ...workspace.environment(), OCELLUS_PORT: String(server.port) });
/** From elsewhere. */
const remote = () => ({
  AWS_ENDPOINT_URL: server.url,
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_REGION: 'us-east-1',
});

/** Runs a line of a shell; answers with what it printed. */
async function shell(line: string, environment: Record<string, string> = local()) {
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, ...environment };
  const child = spawn('/bin/sh', ['-c', line], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { status, out, errors, all: out + errors };
}

/** {@link shell} for what must go well. */
async function run(line: string, environment?: Record<string, string>): Promise<string> {
  const { status, out, all } = await shell(line, environment);
  if (status !== 0) throw new Error(`${line} ended with ${status}: ${all}`);
  return out;
}

test('every line of the guide, from photographs to an ONNX file and back to an empty server', async () => {
  const guide = await readFile(GUIDE, 'utf8');
  const lines = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) =>
    block!.trim().split('\n'),
  );
  expect(lines.length).toBeGreaterThan(10);
  const printed = new Map<string, string>();
  for (const line of lines) printed.set(line, await run(line));
  const of = (part: string) => [...printed].find(([line]) => line.includes(part))![1];

  expect(of('import photos ')).toContain('photos is read as folder: 20 images');
  expect(of('import photos ')).toContain('blue 10, red 10');
  expect(of('check s3://photos/all.manifest')).toContain('A training would go on');
  expect(of('ocellus train')).toMatch(/^label +test images +precision +recall +F1 +threshold$/m);
  expect(of('ocellus train')).toMatch(/^\(mean\) +4 +1\.000/m);
  expect(of('project list')).toMatch(/^pets .*CREATED/m);
  expect(of('describe pets')).toMatch(/^v1 .*TRAINING_COMPLETED +1\.000/m);
  expect(of('describe pets v1')).toMatch(/^red +2/m);
  expect(of('describe pets v1')).toMatch(/^Calibration +confidences are off by \d+\.\d % on average$/m);
  expect(of('predict pets v1 new/*.png')).toMatch(/^new\/blue\.png: blue \d.*\nnew\/red\.png: red \d/);
  expect(of('import photos-csv')).toContain('read as csv: 20 images');
  expect(JSON.parse(of('again.manifest --json'))).toMatchObject({ errors: [], problems: [] });
  expect(JSON.parse(of('describe pets v1 --json'))).toMatchObject({ Status: 'STOPPED' });
  const predictions = of('--min-confidence')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(predictions.map(({ image, labels }) => [image, labels.length, labels[0].Name])).toEqual([
    ['new/blue.png', 2, 'blue'],
    ['new/red.png', 2, 'red'],
  ]);
  expect(await run('ocellus project list')).toContain('no projects yet');

  const info = JSON.parse(await readFile(join(folder, 'pets.json'), 'utf8'));
  expect(info).toMatchObject({ labels: ['blue', 'red'], ProjectVersionArn: expect.stringContaining('/v1/') });
  expect(info.thresholds).toHaveLength(2);
  const session = await InferenceSession.create(join(folder, 'pets.onnx'));
  expect(session.inputNames).toEqual(['image']);
  await session.release();
}, 180_000);

const size = 80;
const box = { left: 10, top: 20, width: 30, height: 40 };

/** A data set with boxes: an image with two, and one without. */
async function putBoxes(name: string): Promise<void> {
  await put(`${name}/images/a.png`, await picture(COLOURS.red, 1, size));
  await put(`${name}/images/b.png`, await picture(COLOURS.blue, 1, size));
  const coco = {
    images: ['a', 'b'].map((file, id) => ({ id, file_name: `${file}.png`, width: size, height: size })),
    annotations: [
      { image_id: 0, category_id: 1, bbox: [10, 20, 30, 40], segmentation: [[10, 20, 40, 20, 40, 60]] },
      { image_id: 0, category_id: 2, bbox: [0, 0, 80, 80], iscrowd: 0 },
      { image_id: 0, category_id: 2, bbox: [0, 0, 5, 5], iscrowd: 1 },
    ],
    categories: [
      { id: 1, name: 'dent' },
      { id: 2, name: 'part' },
    ],
  };
  await put(`${name}/annotations.json`, JSON.stringify(coco));
}

/** The boxes of a manifest: by image and label. */
function boxesOf(manifest: string) {
  return manifest
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ 'source-ref': image, boxes, 'boxes-metadata': metadata }) => [
      image.split('/').at(-1),
      ...boxes.annotations.map(({ class_id, ...edges }: { class_id: number }) => ({
        label: metadata['class-map'][class_id],
        ...edges,
      })),
    ]);
}

test('boxes go from COCO through every other format and stay where they are', async () => {
  await putBoxes('coco');
  const imported = await run('ocellus dataset import coco --to s3://boxes/coco', remote());
  expect(imported).toContain('coco is read as coco: 2 images');
  expect(imported).toContain('1 crowd annotations');
  expect(imported).toContain('1 outlines');
  const wanted = [
    ['a.png', { label: 'dent', ...box }, { label: 'part', left: 0, top: 0, width: 80, height: 80 }],
    ['b.png'],
  ];
  expect(boxesOf(await workspace.read('boxes', 'coco.manifest'))).toEqual(wanted);
  for (const [from, format] of [
    ['coco', 'yolo'],
    ['yolo', 'voc'],
    ['voc', 'coco2'],
  ]) {
    const name = format!.replace(/\d/, '');
    await run(`ocellus dataset export s3://boxes/${from}.manifest --format ${name} --to ${format}-out`);
    const again = await run(`ocellus dataset import ${format}-out --to s3://boxes/${format}`);
    expect(again).toContain(`read as ${name}: 2 images`);
    expect(boxesOf(await workspace.read('boxes', `${format}.manifest`))).toEqual(wanted);
  }
  const check = await shell('ocellus dataset check s3://boxes/voc.manifest');
  expect(check.out).toContain('Kind of model: boxes');
  // One image with boxes can't be in two sets.
  expect(check).toMatchObject({ status: 1, out: expect.stringContaining('insufficient labeled images') });
  const whole = await shell('ocellus dataset check s3://boxes/voc.manifest --test s3://boxes/voc.manifest');
  expect(whole).toMatchObject({ status: 0, out: expect.stringContaining('A training would go on') });
  // A label of the whole image is no use to a model that finds objects.
  const lines = (await workspace.read('boxes', 'voc.manifest')).trim().split('\n');
  const kind = { 'class-name': 'part', confidence: 1, type: 'groundtruth/image-classification' };
  const metadata = { ...kind, 'human-annotated': 'yes', 'creation-date': '2026-03-06T17:46:39' };
  const labelled = { 'source-ref': JSON.parse(lines[1]!)['source-ref'], kind: 1, 'kind-metadata': metadata };
  await workspace.put('boxes', 'mixed.manifest', `${lines[0]}\n${JSON.stringify(labelled)}\n`);
  const mixed = await shell(
    'ocellus dataset check s3://boxes/mixed.manifest --test s3://boxes/voc.manifest --json',
  );
  expect(JSON.parse(mixed.out).remarks).toEqual([
    'Images with only labels of whole images (1) are left out: the model learns boxes.',
  ]);
  // Of an image without boxes a table says nothing but its name.
  await run('ocellus dataset export s3://boxes/voc.manifest --format csv --to csv-out');
  expect(await readFile(join(folder, 'csv-out/annotations.csv'), 'utf8')).toBe(
    'image,label,left,top,width,height\na.png,dent,10,20,30,40\na.png,part,0,0,80,80\nb.png,,,,,\n',
  );
});

test('a part of a YOLO data set finds its labels and the names above it', async () => {
  await put('parts/data.yaml', 'train: images/train\nnames:\n  0: dent\n');
  await put('parts/images/train/a.png', await picture(COLOURS.red, 1, size));
  await put('parts/labels/train/a.txt', '0 0.3125 0.5 0.375 0.5\n');
  await run('ocellus dataset import parts/images/train --to s3://boxes/train --manifest out/train.manifest');
  const manifest = await readFile(join(folder, 'out/train.manifest'), 'utf8');
  expect(boxesOf(manifest)).toEqual([['a.png', { label: 'dent', ...box }]]);
});

test('the check names lines, codes and what to do, and ends with 1 when a training would fail', async () => {
  const good = (key: string, label: string) => ({
    'source-ref': `s3://photos/${key}`,
    kind: 1,
    'kind-metadata': {
      'class-name': label,
      confidence: 1,
      'human-annotated': 'yes',
      'creation-date': '2026-03-06T17:46:39',
      type: 'groundtruth/image-classification',
    },
  });
  const lines = [
    JSON.stringify(good('red/0.png', 'red')),
    '{"no json',
    JSON.stringify(good('red/absent.png', 'blue')),
    JSON.stringify({ 'source-ref': 's3://photos/red/1.png' }),
  ];
  await put('bad.manifest', lines.join('\n'));
  await run('ocellus dataset import photos --to s3://photos --manifest unused.manifest');
  const { status, out } = await shell('ocellus dataset check bad.manifest');
  expect(status).toBe(1);
  expect(out).toMatch(/ERROR_INVALID_JSON_LINE: .*\n {2}line 2\n {2}What to do: Each line is one whole JSON/);
  expect(out).toMatch(/ERROR_INVALID_IMAGE: .*\n {2}line 3, s3:\/\/photos\/red\/absent\.png\n {2}What to do/);
  expect(out).toMatch(/WARNING_UNANNOTATED_RECORD: .*\n {2}line 4/);
  expect(out).toContain('A training would fail:\n\nERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST');
  expect(out).toContain('ERROR_MANIFEST_TOO_FEW_LABELS');

  const json = await shell('ocellus dataset check bad.manifest --json --test bad.manifest');
  const { problems } = JSON.parse(json.out);
  expect(problems.map(({ set, line }: { set: string; line: number }) => `${set} ${line}`)).toEqual(
    ['training', 'testing'].flatMap((set) => [2, 3, 4].map((line) => `${set} ${line}`)),
  );

  // Where no server and no buckets are known, a local file is still read.
  const alone = await shell('ocellus dataset check bad.manifest', { OCELLUS_DATA_DIR: join(folder, 'none') });
  expect(alone.out).toContain('The images were not opened');
  expect(alone.out).not.toContain('ERROR_INVALID_IMAGE:');
  await put('empty.manifest', '');
  const empty = await shell('ocellus dataset check empty.manifest');
  expect(empty).toMatchObject({ status: 1, out: expect.stringContaining('ERROR_EMPTY_MANIFEST') });
});

test('of many labels the rarest are named', async () => {
  const image = await picture(COLOURS.red, 1, 64);
  for (let label = 10; label < 40; label++) {
    await put(`many/l${label}/0.png`, image);
    if (label !== 33) await put(`many/l${label}/1.png`, image);
  }
  const { out } = await shell('ocellus dataset import many --to s3://many-labels');
  expect(out).toMatch(/59 lines; 30 labels, the rarest: l33 1, l10 2, l11 2,.* l18 2\n/);
});

test('images that no training takes are left out by name, files outside the folder refused', async () => {
  await cp(join(folder, 'photos/red'), join(folder, 'odd/red'), { recursive: true });
  await put('odd/red/tiny.png', await picture(COLOURS.red, 1, 10));
  await put('odd/red/notes.txt', 'x');
  const { status, out } = await shell('ocellus dataset import odd --to s3://odd');
  expect(status).toBe(0);
  expect(out).toMatch(/Left out: 1 image\n {2}red\/tiny\.png: .*minimum/);
  expect(out).toContain('(.txt)');

  await put('evil/a.csv', 'image,label\n../photos/red/0.png,red\n');
  const evil = await shell('ocellus dataset import evil --to s3://evil');
  expect(evil).toMatchObject({ status: 1, errors: expect.stringContaining('--images FOLDER') });
  expect(await readdir(join(workspace.directory, 'buckets'))).not.toContain('evil');
});

test('keys of objects become safe file names', async () => {
  const key = 'x/../../up/é:1.png';
  await run(
    'ocellus dataset import photos/.. --to s3://all --format folder --no-copy --manifest all.manifest',
  );
  const line = JSON.parse((await readFile(join(folder, 'all.manifest'), 'utf8')).split('\n')[0]!);
  await put('keys.manifest', JSON.stringify({ ...line, 'source-ref': `s3://all/${key}` }));
  await run('ocellus dataset export keys.manifest --format csv --to keys --no-images');
  expect(await readFile(join(folder, 'keys/annotations.csv'), 'utf8')).toContain('\né_1.png,');
});

test.each<[string, number, string]>([
  ['project create', 2, 'Something is missing'],
  ['project create a b', 2, 'too much: "b"'],
  ['project create a/b', 1, 'ValidationException'],
  ['project delete none', 1, 'There is no project "none". There are: other.'],
  ['describe none', 1, 'ocellus project create none'],
  ['describe other', 0, 'no versions yet'],
  ['describe other v9', 1, 'has no version "v9". It has none yet.'],
  ['train other v1', 2, '--output'],
  ['train other v1 --manifest all.manifest', 2, 'not of the form s3://'],
  ['train other v1 --manifest s3://nowhere/a.manifest', 1, 'nowhere'],
  ['train other v1 --manifest s3://nowhere/a.manifest --budget long', 1, 'fast, balanced, best'],
  ['predict other v1', 2, 'Something is missing'],
  ['predict other v1 a.png --min-confidence x', 2, 'from 0 to 100'],
  ['export other v1 --to x.json', 2, '.onnx'],
  ['dataset import photos', 2, '--to s3://'],
  ['dataset import nothing --to s3://x', 2, 'not of the form'],
  ['dataset import nothing --to s3://xyz', 1, 'no file or folder nothing'],
  ['dataset import photos --to s3://xyz --format tar', 2, 'no format "tar"'],
  ['dataset export x.manifest --to y', 2, '--format'],
  ['dataset export x.manifest --to photos --format csv', 1, 'photos is not empty'],
  ['dataset export x.manifest --to y --format csv', 1, 'no file x.manifest'],
  ['dataset import photos --to s3://photos --no-copy --manifest /dev/null/x', 1, '/dev/null'],
  ['dataset check x.manifest', 1, 'no file x.manifest'],
  ['dataset check s3://photos', 2, 'no object'],
  ['dataset chek', 2, 'no command "chek"'],
])('ocellus %s ends with %d and says why', async (line, status, message) => {
  await createProject(server.client, 'other').catch(() => {}); // it is there from the second line on
  for (const [name, value] of Object.entries(local())) vi.stubEnv(name, value);
  const said: string[] = [];
  for (const stream of ['log', 'error'] as const)
    vi.spyOn(console, stream).mockImplementation((text) => said.push(text));
  const args = line.split(' ').map((word) => (word === 'photos' ? join(folder, 'photos') : word));
  expect(await ocellus(args)).toBe(status);
  expect(said.join('\n')).toContain(message);
});

test('a training that fails says why and what to do, and has no model to export', async () => {
  await run('ocellus dataset import photos --to s3://photos', remote());
  await run('ocellus project create failing', remote());
  const [line = ''] = (await workspace.read('photos', 'all.manifest')).split('\n');
  await workspace.put('photos', 'one.manifest', line);
  const train = await shell('ocellus train failing v1 --manifest s3://photos/one.manifest', remote());
  expect(train.status).toBe(1);
  expect(train.errors).toContain('too few labels');
  expect(train.errors).toContain('ocellus dataset check s3://photos/one.manifest');
  const check = await shell('ocellus dataset check s3://photos/one.manifest', remote());
  expect(check).toMatchObject({ status: 1, out: expect.stringContaining('ERROR_MANIFEST_TOO_FEW_LABELS') });

  const model = await shell('ocellus export failing v1', remote());
  expect(model).toMatchObject({ status: 1, errors: expect.stringContaining('has no model') });
  const predict = await shell('ocellus predict failing v1 new/red.png', remote());
  expect(predict).toMatchObject({ status: 1, errors: expect.stringContaining('failed') });
  await put('failing-v1.onnx', 'precious');
  const again = await shell('ocellus export failing v1', remote());
  expect(again).toMatchObject({
    status: 1,
    errors: expect.stringContaining('failing-v1.onnx is there already'),
  });

  expect((await shell('ocellus project delete failing', remote())).errors).toContain('1 version');
  await run('ocellus project delete failing --all', remote());
});

test('says how to reach a server when it is not known, not there or not ours', async () => {
  const nowhere = {
    OCELLUS_DATA_DIR: join(folder, 'none'),
    AWS_ACCESS_KEY_ID: 'AKIA',
    AWS_SECRET_ACCESS_KEY: 'x',
  };
  expect(await shell('ocellus project list', nowhere)).toMatchObject({
    status: 1,
    errors: expect.stringContaining('No server is known here'),
  });
  expect(
    await shell('ocellus project list', { ...remote(), AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }),
  ).toMatchObject({
    status: 1,
    errors: expect.stringContaining('ocellus serve'),
  });
  expect(await shell('ocellus project list', { ...remote(), AWS_SECRET_ACCESS_KEY: 'wrong' })).toMatchObject({
    status: 1,
    errors: expect.stringContaining('not that of the access key'),
  });
});
