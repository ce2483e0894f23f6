import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CustomLabel,
  DetectCustomLabelsCommand,
  type DetectCustomLabelsCommandInput,
  type RekognitionClient,
  StartProjectVersionCommand,
  StopProjectVersionCommand,
} from '@aws-sdk/client-rekognition';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ocellus } from '../src/cli/ocellus.ts';
import { parseLine } from '../src/manifest/line.ts';
import { colourDetector } from '../src/serving/fixtures.ts';
import { intersectionOverUnion } from '../src/vision/boxes.ts';
import { createProject, createVersion, settled, startInProcess, Workspace } from './harness.ts';
import { drawScene, inShares, putScenes, scene } from './scenes.ts';

// The life of a model that finds objects. The tests run in this order and build on each other.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;
let projectArn: string;
let versionArn: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  await putScenes(workspace);
  server = await startInProcess(workspace);
  client = server.client;
});
afterAll(async () => {
  await server.close();
  await workspace.remove();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const detect = async (Bytes: Uint8Array, input: Partial<DetectCustomLabelsCommandInput> = {}) => {
  const command = { ProjectVersionArn: versionArn, Image: { Bytes }, ...input };
  return (await client.send(new DetectCustomLabelsCommand(command))).CustomLabels!;
};

const boxOf = ({ Geometry }: CustomLabel) => {
  const { Left: left, Top: top, Width: width, Height: height } = Geometry!.BoundingBox!;
  return { left: left!, top: top!, width: width!, height: height! };
};

async function start(): Promise<void> {
  await client.send(new StartProjectVersionCommand({ ProjectVersionArn: versionArn, MinInferenceUnits: 1 }));
  expect(await settled(client, projectArn, 'v1')).toMatchObject({ Status: 'RUNNING' });
}

test('the line of docs/objects.md is one that can be used', async () => {
  const guide = await readFile(new URL('../docs/objects.md', import.meta.url), 'utf8');
  const [, line] = /```json\n(.*?)```/s.exec(guide)!;
  const { state, boxes, problems } = parseLine(JSON.stringify(JSON.parse(line!)));
  expect({ state, boxes, problems }).toMatchObject({
    state: 'valid',
    boxes: [{ label: 'crane' }],
    problems: [],
  });
});

test('a training from boxes ends with an evaluation of objects', { timeout: 600_000 }, async () => {
  projectArn = await createProject(client, 'shapes');
  versionArn = await createVersion(client, projectArn, 'v1');
  const version = await settled(client, projectArn, 'v1');
  expect(version).toMatchObject({ Status: 'TRAINING_COMPLETED' });
  const { F1Score, Summary } = version.EvaluationResult!;
  const summary = JSON.parse(await workspace.read('results', Summary!.S3Object!.Name!));
  const { AveragePrecision, AverageRecall, ...others } = summary.AggregatedEvaluationResults;
  expect(others.F1Score).toBe(F1Score);
  expect(others).not.toHaveProperty('ConfusionMatrix');
  expect(AveragePrecision).toBeLessThanOrEqual(AverageRecall);
  // Bright shapes on a dark ground, eight pictures to be tested on: anything that learns finds some.
  expect(AveragePrecision).toBeGreaterThan(0.3);
});

test('a running detector answers where the objects are, the best first', async () => {
  await start();
  const things = scene(1000);
  const answer = await detect(await drawScene(things), { MinConfidence: 0 });
  expect(answer.length).toBeGreaterThan(0);
  const confidences = answer.map(({ Confidence }) => Confidence!);
  expect(confidences).toEqual(confidences.toSorted((a, b) => b - a));
  for (const label of answer) {
    expect(['disc', 'square']).toContain(label.Name);
    expect(label.Geometry).not.toHaveProperty('Polygon');
    const box = boxOf(label);
    for (const edge of [box.left, box.top, box.left + box.width, box.top + box.height]) {
      expect(edge).toBeGreaterThanOrEqual(0);
      expect(edge).toBeLessThanOrEqual(1 + 1e-6);
    }
    for (const number of [...Object.values(box), label.Confidence!]) expect(Math.fround(number)).toBe(number);
  }
  const best = boxOf(answer[0]!);
  expect(Math.max(...things.map((thing) => intersectionOverUnion(best, inShares(thing))))).toBeGreaterThan(
    0.5,
  );
});

test('the commands show boxes and the mean average precision', async () => {
  const environment = { ...workspace.environment(), OCELLUS_PORT: String(server.port) };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const said: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text) => said.push(text));
  const file = join(workspace.directory, 'new.png');
  await writeFile(file, await drawScene(scene(1000)));
  expect(await ocellus(['predict', 'shapes', 'v1', file, '--min-confidence', '0'])).toBe(0);
  expect(said.join('\n')).toMatch(
    /(disc|square) \d+\.\d % at left \d+\.\d %, top \d+\.\d %, \d+\.\d % × \d+\.\d %/,
  );
  expect(await ocellus(['describe', 'shapes', 'v1'])).toBe(0);
  expect(said.at(-1)).toMatch(/Mean average precision 0\.\d{3}, mean of the highest recalls [01]\.\d{3}/);
  expect(await ocellus(['dataset', 'check', 's3://images/train.manifest'])).toBe(0);
  expect(said.at(-1)).toContain('Kind of model: boxes');
});

test('what a detector finds is selected by thresholds, MinConfidence and MaxResults', async () => {
  await client.send(new StopProjectVersionCommand({ ProjectVersionArn: versionArn }));
  await settled(client, projectArn, 'v1');
  // From here on a detector whose answers can be told: the boxes around what is red, green and blue.
  const [id] = await readdir(join(workspace.directory, 'versions'));
  await writeFile(join(workspace.directory, 'versions', id!, 'model.onnx'), colourDetector());
  await start();
  const all = await detect(await coloured(), { MinConfidence: 0 });
  expect(all).toEqual([
    found('red', 200, { Width: 0.25, Height: 0.25, Left: 0.5, Top: 0.125 }),
    found('green', 90, { Width: 0.5, Height: 0.125, Left: 0, Top: 0.5 }),
    found('blue', 80, { Width: 0.125, Height: 0.25, Left: 0.875, Top: 0.75 }),
  ]);
  const names = async (input: Partial<DetectCustomLabelsCommandInput>) =>
    (await detect(await coloured(), input)).map(({ Name }) => Name);
  // Their own thresholds are 0.5, 0.4 and 0.3: green's score is below its threshold, blue's above.
  expect(await names({})).toEqual(['red', 'blue']);
  expect(await names({ MaxResults: 1 })).toEqual(['red']);
  expect(await names({ MinConfidence: 35 })).toEqual(['red', 'green']);
  expect(await names({ MinConfidence: 0, MaxResults: 2 })).toEqual(['red', 'green']);
  expect(await names({ MinConfidence: 100 })).toEqual([]);
});

test('boxes are those of the upright image, whatever its EXIF orientation', async () => {
  const upright = await coloured();
  const lying = await sharp(upright).rotate(-90).withMetadata({ orientation: 6 }).png().toBuffer();
  expect(await detect(lying)).toEqual(await detect(upright));
});

/** A dark picture, 256 × 128, with a red, a green and a blue thing. */
async function coloured(): Promise<Buffer> {
  const create = (width: number, height: number, background: string) => ({
    create: { width, height, channels: 3 as const, background },
  });
  return await sharp(create(256, 128, '#000000'))
    .composite([
      { input: create(64, 32, 'rgb(200, 0, 0)'), left: 128, top: 16 },
      { input: create(128, 16, 'rgb(0, 90, 0)'), left: 0, top: 64 },
      { input: create(32, 32, 'rgb(0, 0, 80)'), left: 224, top: 96 },
    ])
    .png()
    .toBuffer();
}

function found(Name: string, strength: number, BoundingBox: object) {
  return { Name, Confidence: expect.closeTo((100 * strength) / 255, 4), Geometry: { BoundingBox } };
}
