import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Box, intersectionOverUnion } from '../src/vision/boxes.ts';
import { random } from '../src/vision/random.ts';
import type { Workspace } from './harness.ts';

/** Side of a picture in pixels. */
export const SCENE_SIDE = 96;
const LABELS = ['disc', 'square'] as const;

/** An object of a picture, in whole pixels. */
export interface Thing extends Box {
  label: (typeof LABELS)[number];
}

/** One or two things that don't touch. The same seed gives the same ones. */
export function scene(seed: number): Thing[] {
  const next = random(seed);
  const things: Thing[] = [];
  for (let i = 0; i < 2; i++) {
    const side = 22 + Math.floor(next() * 24);
    const [left, top] = [0, 1].map(() => Math.floor(next() * (SCENE_SIDE - side))) as [number, number];
    const thing = { left, top, width: side, height: side, label: LABELS[Math.floor(next() * 2)]! };
    if (things.every((other) => intersectionOverUnion(other, thing) === 0)) things.push(thing);
  }
  return things;
}

/** Bright things on a dark ground, as a PNG. */
export async function drawScene(things: readonly Thing[], seed = 0): Promise<Buffer> {
  const next = random(seed);
  const pixels = Buffer.from(Array.from({ length: SCENE_SIDE * SCENE_SIDE * 3 }, () => next() * 80));
  for (const { label, left, top, width } of things) {
    for (let y = 0; y < width; y++) {
      for (let x = 0; x < width; x++) {
        const [dx, dy] = [(2 * x + 1) / width - 1, (2 * y + 1) / width - 1];
        if (label === 'disc' && dx * dx + dy * dy > 1) continue;
        const place = ((top + y) * SCENE_SIDE + left + x) * 3;
        pixels.fill(210, place, place + 3);
      }
    }
  }
  return await sharp(pixels, { raw: { width: SCENE_SIDE, height: SCENE_SIDE, channels: 3 } })
    .png()
    .toBuffer();
}

/** A thing's box in shares of the picture. */
export function inShares({ left, top, width, height }: Thing): Box {
  return {
    left: left / SCENE_SIDE,
    top: top / SCENE_SIDE,
    width: width / SCENE_SIDE,
    height: height / SCENE_SIDE,
  };
}

export function sceneLine(bucket: string, key: string, things: readonly Thing[]): string {
  return JSON.stringify({
    'source-ref': `s3://${bucket}/${key}`,
    boxes: {
      image_size: [{ width: SCENE_SIDE, height: SCENE_SIDE, depth: 3 }],
      annotations: things.map(({ label, ...box }) => ({ class_id: LABELS.indexOf(label), ...box })),
    },
    'boxes-metadata': {
      objects: things.map(() => ({ confidence: 1 })),
      'class-map': Object.fromEntries(LABELS.entries()),
      'human-annotated': 'yes',
      'creation-date': '2026-03-06T17:46:39.176',
      type: 'groundtruth/object-detection',
    },
  });
}

/** `images/train.manifest` with drawn scenes, and an empty bucket for results. */
export async function putScenes(workspace: Workspace, count = 40): Promise<void> {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    await workspace.put('images', `${i}.png`, await drawScene(scene(i), i));
    lines.push(sceneLine('images', `${i}.png`, scene(i)));
  }
  await workspace.put('images', 'train.manifest', `${lines.join('\n')}\n`);
  await mkdir(join(workspace.directory, 'buckets/results'), { recursive: true });
}
