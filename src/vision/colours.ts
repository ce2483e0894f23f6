/** What greys are made of (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * The 3×3 matrix, row by row, that multiplies the distance of an RGB colour from its grey by `saturation` and turns it
 * around the axis of greys by `hue`, a share of a full turn. Greys stay as they are: every row's sum is 1.
 */
export function colourMatrix(saturation: number, hue: number): number[] {
  const [cos, sin] = [Math.cos(2 * Math.PI * hue), Math.sin(2 * Math.PI * hue) / Math.sqrt(3)];
  // Rodrigues' rotation about (1, 1, 1): cos · I + (1 − cos)/3 + sin · [axis]×.
  const even = (1 - cos) / 3;
  const rotation = [
    [cos + even, even - sin, even + sin],
    [even + sin, cos + even, even - sin],
    [even - sin, even + sin, cos + even],
  ];
  const saturate = LUMA.map((_, i) =>
    LUMA.map((share, k) => (1 - saturation) * share + (i === k ? saturation : 0)),
  );
  return rotation.flatMap((row) =>
    LUMA.map((_, k) => row.reduce((sum, value, i) => sum + value * saturate[i]![k]!, 0)),
  );
}
