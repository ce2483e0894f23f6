import type { Normalization } from '../augment.ts';
import type { LabelledBox } from '../boxes.ts';
import type { Picture } from './pictures.ts';

/** How training views are made. */
export interface ViewOptions {
  /** Bounds of the scale of a picture, 1 being that of prediction. */
  scale: readonly [number, number];
  /** Share of the views that are mosaics, and the bounds of the scale in them. None when absent. */
  mosaic?: { share: number; scale: readonly [number, number] } | undefined;
  /** Largest change of brightness and of contrast, as a share. */
  light: number;
}

/** Where a mosaic's four pictures meet, as a share of the side. */
const MEETING = [0.3, 0.7] as const;
/** A cut box stays a box when so much of it is seen. */
const MINIMUM_VISIBLE = 0.25;
/** And when it is so many pixels wide and high. */
const MINIMUM_SIDE = 3;

interface Region {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * Draws a random view of one picture, or a mosaic of four (Bochkovskiy et al. 2020), into `target` as normalised planes
 * `[3, side, side]`, and returns the boxes in it in pixels. `draw` gives the next picture. What no picture covers is 0,
 * the mean colour.
 */
export async function drawView(
  draw: () => Promise<Picture>,
  target: Float32Array,
  side: number,
  normalization: Normalization,
  options: ViewOptions,
  next: () => number,
): Promise<LabelledBox[]> {
  const { mosaic } = options;
  if (!mosaic || next() >= mosaic.share) {
    const whole = { left: 0, top: 0, right: side, bottom: side };
    return place(await draw(), target, side, whole, options.scale, normalization, options.light, next);
  }
  const x = Math.round(side * between(MEETING, next));
  const y = Math.round(side * between(MEETING, next));
  const regions = [
    { left: 0, top: 0, right: x, bottom: y },
    { left: x, top: 0, right: side, bottom: y },
    { left: 0, top: y, right: x, bottom: side },
    { left: x, top: y, right: side, bottom: side },
  ];
  const boxes: LabelledBox[] = [];
  for (const region of regions) {
    const picture = await draw();
    boxes.push(...place(picture, target, side, region, mosaic.scale, normalization, options.light, next));
  }
  return boxes;
}

const between = ([low, high]: readonly [number, number], next: () => number) => low + (high - low) * next();

/** Draws a part of a picture, at random scale and place and mirrored half the time, into a region of the view. */
function place(
  picture: Picture,
  target: Float32Array,
  side: number,
  region: Region,
  bounds: readonly [number, number],
  normalization: Normalization,
  light: number,
  next: () => number,
): LabelledBox[] {
  const scale = Math.exp(between([Math.log(bounds[0]), Math.log(bounds[1])], next));
  const flip = next() < 0.5;
  // Where the scaled picture's corner lies in the view: it covers the region where it can, and lies within it otherwise.
  const x = region.left + shift(region.right - region.left, picture.width * scale, next);
  const y = region.top + shift(region.bottom - region.top, picture.height * scale, next);
  const contrast = 1 + light * (2 * next() - 1);
  const brightness = light * (2 * next() - 1);
  const { mean, std } = normalization;
  const gain = mean.map((_, c) => contrast / 255 / std[c]!);
  const offset = mean.map((m, c) => (0.5 - 0.5 * contrast + brightness - m) / std[c]!);
  const seen = {
    left: Math.max(region.left, Math.round(x)),
    top: Math.max(region.top, Math.round(y)),
    right: Math.min(region.right, Math.round(x + picture.width * scale)),
    bottom: Math.min(region.bottom, Math.round(y + picture.height * scale)),
  };
  drawRegion(picture, target, side, seen, { x, y, scale, flip }, gain, offset);
  return picture.boxes.flatMap((box) => {
    const left = flip ? picture.width - box.left - box.width : box.left;
    const moved = {
      left: x + left * scale,
      top: y + box.top * scale,
      width: box.width * scale,
      height: box.height * scale,
    };
    return clip({ ...moved, label: box.label }, seen);
  });
}

function shift(room: number, length: number, next: () => number): number {
  return (room - length) * next();
}

interface Transform {
  x: number;
  y: number;
  scale: number;
  flip: boolean;
}

/** Bilinear; `gain` and `offset` per channel turn bytes into normalised values. */
function drawRegion(
  { data, width, height }: Picture,
  target: Float32Array,
  side: number,
  { left, top, right, bottom }: Region,
  { x, y, scale, flip }: Transform,
  gain: number[],
  offset: number[],
): void {
  const plane = side * side;
  const columns = samples(left, right, x, scale, width, flip);
  const rows = samples(top, bottom, y, scale, height, false);
  for (let v = top; v < bottom; v++) {
    const upper = rows.near[v - top]! * width;
    const lower = rows.far[v - top]! * width;
    const fy = rows.weight[v - top]!;
    for (let u = left; u < right; u++) {
      const k = u - left;
      const [near, far, fx] = [columns.near[k]!, columns.far[k]!, columns.weight[k]!];
      const a = (upper + near) * 3;
      const b = (upper + far) * 3;
      const c = (lower + near) * 3;
      const d = (lower + far) * 3;
      const at = v * side + u;
      for (let channel = 0; channel < 3; channel++) {
        const above = data[a + channel]! * (1 - fx) + data[b + channel]! * fx;
        const below = data[c + channel]! * (1 - fx) + data[d + channel]! * fx;
        target[channel * plane + at] = (above * (1 - fy) + below * fy) * gain[channel]! + offset[channel]!;
      }
    }
  }
}

/** For each target position, the two source positions around it and the weight of the second. */
function samples(from: number, to: number, start: number, scale: number, size: number, flip: boolean) {
  const count = Math.max(0, to - from);
  const near = new Int32Array(count);
  const far = new Int32Array(count);
  const weight = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const along = (from + i + 0.5 - start) / scale;
    const position = Math.min(size - 1, Math.max(0, (flip ? size - along : along) - 0.5));
    near[i] = Math.floor(position);
    far[i] = Math.min(size - 1, near[i]! + 1);
    weight[i] = position - near[i]!;
  }
  return { near, far, weight };
}

/** The seen part of a box, if it is enough of it. */
function clip(box: LabelledBox, { left, top, right, bottom }: Region): LabelledBox[] {
  const from = { x: Math.max(box.left, left), y: Math.max(box.top, top) };
  const width = Math.min(box.left + box.width, right) - from.x;
  const height = Math.min(box.top + box.height, bottom) - from.y;
  if (width < MINIMUM_SIDE || height < MINIMUM_SIDE) return [];
  if (width * height < MINIMUM_VISIBLE * box.width * box.height) return [];
  return [{ left: from.x, top: from.y, width, height, label: box.label }];
}
