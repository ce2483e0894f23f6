import type { Detection } from './boxes.ts';
import type { Executable } from './graph/executable.ts';
import { decodeWithin } from './image.ts';
import type { Detector, DetectorInfo } from './model.ts';

/** Makes a detector of its network, `image` `[1, 3, inputHeight, inputWidth]` to `detections` `[found, 6]`. */
export function openDetector(executable: Executable, info: DetectorInfo): Detector {
  return {
    info,
    async detect(images) {
      const results: Detection[][] = [];
      for (const image of images) results.push(await detectOne(executable, info, image));
      return results;
    },
    close: () => executable.release(),
  };
}

async function detectOne(
  executable: Executable,
  info: DetectorInfo,
  image: Uint8Array,
): Promise<Detection[]> {
  const { inputWidth, inputHeight, mean, std } = info;
  const { data, width, height } = await decodeWithin(image, inputWidth, inputHeight);
  const plane = inputWidth * inputHeight;
  // In the upper left corner; the rest has the mean colour.
  const input = new Float32Array(3 * plane);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) {
        input[c * plane + y * inputWidth + x] = (data[from + c]! / 255 - mean[c]!) / std[c]!;
      }
    }
  }
  const shape = [1, 3, inputHeight, inputWidth];
  const { detections } = await executable.run({ image: { data: input, shape } });
  const found: Detection[] = [];
  for (let i = 0; i < detections!.length; i += 6) {
    const [left, top, right, bottom, score, label] = detections!.subarray(i, i + 6) as unknown as number[];
    const from = { x: share(left!, width), y: share(top!, height) };
    const box = { width: share(right!, width) - from.x, height: share(bottom!, height) - from.y };
    if (box.width > 0 && box.height > 0) {
      found.push({ label: label!, score: score!, left: from.x, top: from.y, ...box });
    }
  }
  return found.sort((a, b) => b.score - a.score);
}

const share = (position: number, length: number) => Math.min(1, Math.max(0, position / length));
