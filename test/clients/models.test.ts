import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { colourDetector } from '../../src/serving/fixtures.ts';
import { Graph } from '../../src/vision/graph/graph.ts';
import { encodeModel, readMetadata } from '../../src/vision/graph/onnx.ts';
import { type ClassifierInfo, loadClassifier, loadDetector, METADATA_KEY } from '../../src/vision/model.ts';
import { drawScene } from '../scenes.ts';
import { runProgram } from './program.ts';
import { pythonTools } from './python.ts';

// The program of docs/models.md says of exported files what the server says.

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocellus-models-'));
  const page = await readFile(join(import.meta.dirname, '../../docs/models.md'), 'utf8');
  await writeFile(join(directory, 'predict.py'), /```python\n(.*?)```/s.exec(page)![1]!);
});
afterAll(() => rm(directory, { recursive: true }));

/** What the program prints, by line and word. The description is what `ocellus export` writes. */
async function predict(model: Uint8Array, picture: Uint8Array): Promise<string[][]> {
  await writeFile(join(directory, 'model.onnx'), model);
  await writeFile(join(directory, 'model.json'), readMetadata(model)[METADATA_KEY]!);
  await writeFile(join(directory, 'picture'), picture);
  const command = join(await pythonTools(), 'python');
  const args = ['predict.py', 'model.onnx', 'picture'];
  const output = await runProgram({ command, args, env: {}, cwd: directory });
  return output
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
}

/** A disc on noise, as a photograph of a camera that was held upright. */
async function photograph(): Promise<Buffer> {
  const disc = { label: 'disc', left: 20, top: 40, width: 40, height: 40 } as const;
  return await sharp(await drawScene([disc], 7))
    .resize(500, 300, { fit: 'fill', kernel: 'nearest' })
    .tint('#ffd0a0')
    .rotate(-90)
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
}

/** A classifier that needs no training: the more light in a row of the picture, the higher its score. Channels count differently. */
function rowModel(): Uint8Array {
  const side = 16;
  const info: ClassifierInfo = {
    version: 1,
    kind: 'classifier',
    exclusive: true,
    labels: Array.from({ length: side }, (_, row) => `row${row}`),
    thresholds: Array(side).fill(0.5),
    inputSize: side,
    mean: [0.5, 0.4, 0.3],
    std: [0.1, 0.2, 0.3],
  };
  const graph = new Graph();
  const image = graph.input('image', [1, 3, side, side]);
  const light = graph.op('Relu', [image]);
  const rows = graph.reshape(graph.mean(light, [1, 3]), [1, side]);
  const scores = graph.op('Softmax', [rows], { axis: -1 });
  return encodeModel({ ...graph.model({ scores }), metadata: { [METADATA_KEY]: JSON.stringify(info) } });
}

test('a classifier', async () => {
  const file = rowModel();
  const picture = await photograph();
  const model = await loadClassifier(file);
  const [scores] = await model.predict([picture]);
  await model.close();
  const found = await predict(file, picture);
  expect(found.map(([label]) => label)).toEqual(model.info.labels);
  const numbers = found.map(([, score]) => Number(score));
  const difference = numbers.map((score, i) => Math.abs(score - scores![i]!));
  expect(Math.max(...difference)).toBeLessThan(0.005);
  // Rows differ by much more than that.
  expect(Math.max(...numbers) - Math.min(...numbers)).toBeGreaterThan(0.05);
});

test('a model that finds objects', async () => {
  const file = colourDetector();
  const red = {
    input: { create: { width: 60, height: 90, channels: 3, background: '#f00' } },
    left: 200,
    top: 30,
  } as const;
  const picture = await sharp({ create: { width: 400, height: 250, channels: 3, background: '#000' } })
    .composite([red])
    .png()
    .toBuffer();
  const model = await loadDetector(file);
  const [detections] = await model.detect([picture]);
  await model.close();
  expect(detections).toHaveLength(1);
  const { score, left, top, width, height } = detections![0]!;
  const found = await predict(file, picture);
  expect(found).toHaveLength(1);
  const [label, ...numbers] = found[0]!;
  expect(label).toBe('red');
  for (const [i, value] of [score, left, top, left + width, top + height].entries())
    expect(Math.abs(Number(numbers[i]) - value)).toBeLessThan(0.02);
});
