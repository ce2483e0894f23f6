/**
 * Mixes each picture of a batch with the one opposite (the first with the last) in place, their targets alike: by a weighted sum
 * (mixup, Zhang et al. 2018) or by pasting a rectangle (cutmix, Yun et al. 2019), each half the time. The share is
 * uniform, which is Beta(1, 1). `images` are `[batch, 3, side, side]`, `targets` `[batch, labels]`.
 */
export function mixBatch(
  images: Float32Array,
  targets: Float32Array,
  batch: number,
  side: number,
  next: () => number,
): void {
  const paste = next() < 0.5;
  const share = next();
  const box = paste ? randomBox(side, share, next) : undefined;
  const kept = box ? 1 - (box.width * box.height) / side ** 2 : share;
  const mixedImages = images.slice();
  const mixedTargets = targets.slice();
  const size = images.length / batch;
  const labels = targets.length / batch;
  for (let i = 0; i < batch; i++) {
    const other = batch - 1 - i;
    for (let k = 0; k < labels; k++) {
      const [a, b] = [targets[i * labels + k]!, targets[other * labels + k]!];
      mixedTargets[i * labels + k] = kept * a + (1 - kept) * b;
    }
    if (box) pasteBox(mixedImages, images, i * size, other * size, side, box);
    else {
      for (let k = 0; k < size; k++) {
        mixedImages[i * size + k] = kept * images[i * size + k]! + (1 - kept) * images[other * size + k]!;
      }
    }
  }
  images.set(mixedImages);
  targets.set(mixedTargets);
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A rectangle of about 1 − `share` of the picture, with its centre anywhere in it. */
function randomBox(side: number, share: number, next: () => number): Box {
  const length = side * Math.sqrt(1 - share);
  const range = () => {
    const centre = next() * side;
    const start = Math.max(0, Math.round(centre - length / 2));
    return [start, Math.min(side, Math.round(centre + length / 2)) - start] as const;
  };
  const [left, width] = range();
  const [top, height] = range();
  return { left, top, width, height };
}

function pasteBox(
  target: Float32Array,
  source: Float32Array,
  to: number,
  from: number,
  side: number,
  box: Box,
) {
  for (let plane = 0; plane < 3; plane++) {
    for (let y = box.top; y < box.top + box.height; y++) {
      const row = (plane * side + y) * side + box.left;
      target.set(source.subarray(from + row, from + row + box.width), to + row);
    }
  }
}
