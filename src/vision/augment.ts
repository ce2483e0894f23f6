/** How far a random view may be from the picture. */
export interface AugmentOptions {
  /** Smallest area of a crop, as a share of the picture. */
  minimumArea: number;
  /** Crops are between 1/`ratio` and `ratio` times as wide as the picture. */
  ratio: number;
  /** Largest change of brightness and of contrast, as a share. */
  light: number;
  mirror: boolean;
}

/** Per channel, on values 0–1. */
export interface Normalization {
  mean: number[];
  std: number[];
}

/**
 * Writes a random view of a picture into `target` as normalised planes `[3, side, side]`: a crop of random area,
 * shape and place (Szegedy et al. 2015), mirrored half the time, with random brightness and contrast; bilinear.
 * `source` is `[size, size, 3]` RGB bytes.
 */
export function randomView(
  source: Uint8Array,
  size: number,
  target: Float32Array,
  side: number,
  { mean, std }: Normalization,
  { minimumArea, ratio, light, mirror }: AugmentOptions,
  next: () => number,
): void {
  const area = minimumArea + (1 - minimumArea) * next();
  const stretch = Math.exp((2 * next() - 1) * Math.log(ratio));
  const width = Math.min(size, size * Math.sqrt(area * stretch));
  const height = Math.min(size, size * Math.sqrt(area / stretch));
  const left = next() * (size - width);
  const top = next() * (size - height);
  const flip = next() < 0.5 && mirror;
  const contrast = 1 + light * (2 * next() - 1);
  const brightness = light * (2 * next() - 1);

  const columns = sampler(left, width, side, size, flip);
  const rows = sampler(top, height, side, size, false);
  const plane = side * side;
  const gain = mean.map((_, c) => contrast / 255 / std[c]!);
  // Contrast turns around the middle grey.
  const offset = mean.map((m, c) => (0.5 - 0.5 * contrast + brightness - m) / std[c]!);
  for (let y = 0; y < side; y++) {
    const upper = rows.near[y]! * size;
    const lower = rows.far[y]! * size;
    const fy = rows.weight[y]!;
    for (let x = 0; x < side; x++) {
      const [near, far, fx] = [columns.near[x]!, columns.far[x]!, columns.weight[x]!];
      const a = (upper + near) * 3;
      const b = (upper + far) * 3;
      const c = (lower + near) * 3;
      const d = (lower + far) * 3;
      const at = y * side + x;
      for (let channel = 0; channel < 3; channel++) {
        const above = source[a + channel]! * (1 - fx) + source[b + channel]! * fx;
        const below = source[c + channel]! * (1 - fx) + source[d + channel]! * fx;
        target[channel * plane + at] = (above * (1 - fy) + below * fy) * gain[channel]! + offset[channel]!;
      }
    }
  }
}

/** For each target position, the two source positions around it and the weight of the second. */
function sampler(start: number, length: number, side: number, size: number, flip: boolean) {
  const near = new Int32Array(side);
  const far = new Int32Array(side);
  const weight = new Float32Array(side);
  for (let i = 0; i < side; i++) {
    const k = flip ? side - 1 - i : i;
    const position = Math.min(size - 1, Math.max(0, start + ((k + 0.5) * length) / side - 0.5));
    near[i] = Math.floor(position);
    far[i] = Math.min(size - 1, near[i]! + 1);
    weight[i] = position - near[i]!;
  }
  return { near, far, weight };
}

/** Writes a whole picture, `[side, side, 3]` RGB bytes, or its mirror image into `target` as normalised planes `[3, side, side]`. */
export function wholeView(
  source: Uint8Array,
  target: Float32Array,
  side: number,
  { mean, std }: Normalization,
  mirrored = false,
): void {
  const plane = side * side;
  for (let i = 0; i < plane; i++) {
    // The places of a row add up to twice its first place and `side - 1`.
    const from = mirrored ? i - 2 * (i % side) + side - 1 : i;
    for (let c = 0; c < 3; c++) target[c * plane + i] = (source[from * 3 + c]! / 255 - mean[c]!) / std[c]!;
  }
}
