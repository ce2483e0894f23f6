import fc from 'fast-check';
import { expect, it } from 'vitest';
import { random } from '../random.ts';
import { drawView } from './views.ts';

const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] };
const SIDE = 64;

/** A black picture whose only box is white. */
function picture(
  width: number,
  height: number,
  box: { left: number; top: number; width: number; height: number },
) {
  const data = new Uint8Array(width * height * 3);
  for (let y = box.top; y < box.top + box.height; y++) {
    for (let x = box.left; x < box.left + box.width; x++)
      data.fill(255, (y * width + x) * 3, (y * width + x) * 3 + 3);
  }
  return { data, width, height, boxes: [{ ...box, label: 0 }] };
}

const OPTIONS = { scale: [0.5, 1.5], mosaic: { share: 0.5, scale: [0.4, 1] }, light: 0 } as const;

it('boxes lie in the view and around what they show', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const shown = picture(80, 60, { left: 20, top: 12, width: 24, height: 30 });
      const target = new Float32Array(3 * SIDE * SIDE);
      const boxes = await drawView(async () => shown, target, SIDE, PLAIN, OPTIONS, random(seed));
      for (const { left, top, width, height } of boxes) {
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(Math.max(left + width, top + height)).toBeLessThanOrEqual(SIDE);
        const at = (x: number, y: number) => target[Math.floor(y) * SIDE + Math.floor(x)]!;
        expect(at(left + width / 2, top + height / 2)).toBeGreaterThan(0.9);
      }
      const white = target.subarray(0, SIDE * SIDE).reduce((sum, value) => sum + value, 0);
      const area = boxes.reduce((sum, { width, height }) => sum + width * height, 0);
      // Parts too small to be boxes are still seen.
      expect(area).toBeLessThanOrEqual(white * 1.25 + 30);
    }),
  );
});

it('the same seed draws the same view', async () => {
  const shown = picture(80, 60, { left: 2, top: 3, width: 40, height: 30 });
  const draw = async () => {
    const target = new Float32Array(3 * SIDE * SIDE);
    const boxes = await drawView(
      async () => shown,
      target,
      SIDE,
      PLAIN,
      { ...OPTIONS, light: 0.2 },
      random(9),
    );
    return { target, boxes };
  };
  expect(await draw()).toEqual(await draw());
});
