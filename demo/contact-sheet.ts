import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';
import type { TestResult } from './results.ts';

// Shipped with a package, so that the sheet can be read on machines without any font, too.
const FONT = fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
const COLUMNS = 10;
const MAXIMUM_IMAGES = 60;
const PICTURE = 150;
const FRAME = 4;
const CELL = { width: PICTURE + 2 * FRAME + 12, height: PICTURE + 2 * FRAME + 50 };
const MARGIN = 24;
const HEADER = 70;
const COLOURS = {
  background: '#f6f6f4',
  text: '#1c1c1c',
  faint: '#6b6b6b',
  right: '#1a7f37',
  wrong: '#cf222e',
};

/**
 * Draws test images with what the model takes them for into a PNG file: green frame when right, red when
 * wrong. Shows an even choice of at most 60.
 */
export async function writeContactSheet(
  file: string,
  { title, buckets, results }: { title: string; buckets: string; results: TestResult[] },
): Promise<void> {
  const shown = choose(results);
  const columns = Math.min(COLUMNS, shown.length);
  const rows = Math.ceil(shown.length / columns);
  const cells = await Promise.all(
    shown.map((result, i) =>
      drawCell(join(buckets, result.bucket, result.key), result, {
        left: MARGIN + (i % columns) * CELL.width,
        top: MARGIN + HEADER + Math.floor(i / columns) * CELL.height,
      }),
    ),
  );
  const right = results.filter(({ truth, predicted }) => truth === predicted).length;
  const counted = `${right} of ${results.length} test images right${shown.length < results.length ? `; ${shown.length} shown` : ''}`;
  await sharp({
    create: {
      width: Math.max(columns * CELL.width, 520) + 2 * MARGIN,
      height: rows * CELL.height + HEADER + 2 * MARGIN,
      channels: 3,
      background: COLOURS.background,
    },
  })
    .composite([
      await text(title, { size: 20, colour: COLOURS.text, left: MARGIN, top: MARGIN }),
      await text(counted, { size: 13, colour: COLOURS.faint, left: MARGIN, top: MARGIN + 34 }),
      ...cells.flat(),
    ])
    .png()
    .toFile(file);
}

/** At most 60 images, evenly from the set in order of label, so that every label is there. */
export function choose(results: TestResult[]): TestResult[] {
  const sorted = results.toSorted((a, b) => compare(a.truth, b.truth) || compare(a.key, b.key));
  if (sorted.length <= MAXIMUM_IMAGES) return sorted;
  return Array.from(
    { length: MAXIMUM_IMAGES },
    (_, i) => sorted[Math.floor((i * sorted.length) / MAXIMUM_IMAGES)]!,
  );
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

async function drawCell(
  file: string,
  { truth, predicted, confidence }: TestResult,
  { left, top }: { left: number; top: number },
): Promise<OverlayOptions[]> {
  const right = truth === predicted;
  const colour = right ? COLOURS.right : COLOURS.wrong;
  const picture = await sharp(await readFile(file))
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize(PICTURE, PICTURE, { fit: 'cover' })
    .extend({ top: FRAME, bottom: FRAME, left: FRAME, right: FRAME, background: colour })
    .png()
    .toBuffer();
  const below = top + PICTURE + 2 * FRAME + 5;
  const overlays = [
    { input: picture, left, top },
    await text(`${right ? '✓' : '✗'} ${short(predicted, 12)}  ${Math.round(confidence * 100)} %`, {
      size: 12,
      colour,
      left,
      top: below,
    }),
  ];
  if (right) return overlays;
  return [
    ...overlays,
    await text(`is ${short(truth, 16)}`, { size: 11, colour: COLOURS.faint, left, top: below + 19 }),
  ];
}

async function text(
  content: string,
  { size, colour, left, top }: { size: number; colour: string; left: number; top: number },
): Promise<OverlayOptions> {
  const escaped = content.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  const markup = `<span foreground="${colour}">${escaped}</span>`;
  const input = await sharp({
    text: { text: markup, font: `DejaVu Sans ${size}px`, fontfile: FONT, rgba: true, dpi: 72 },
  })
    .png()
    .toBuffer();
  return { input, left, top };
}

const short = (label: string, length: number) =>
  label.length > length ? `${label.slice(0, length - 1)}…` : label;
