import sharp from 'sharp';
import { clamp } from './noise.ts';
import type { Kind } from './parts.ts';
import { type Random, seededRandom } from './random.ts';
import { makeScene } from './scene.ts';
import { trace } from './trace.ts';

const SHAPES = [
  [208, 208],
  [224, 168],
  [168, 224],
  [232, 152],
  [192, 192],
  [176, 160],
] as const;

/** The brightness curve: a film-like shoulder, then sRGB, for light between 0 and 4. */
const CURVE = Uint8Array.from({ length: 4096 }, (_, i) => {
  const value = i / 1024;
  return 255 * clamp((value * (1 + value * 0.12)) / (1 + value * 0.55)) ** (1 / 2.2);
});

const normals = (({ normal }) => Float32Array.from({ length: 4096 }, normal))(seededRandom('sensor'));

/**
 * A picture of a workshop part as a JPEG file, 152–232 pixels a side. The same kind and seed give the same bytes.
 */
export async function renderPhoto(kind: Kind, seed: string): Promise<Buffer> {
  const random = seededRandom(`${kind} ${seed}`);
  const [width, height] = random.pick(SHAPES);
  const raw = { raw: { width, height, channels: 3 } } as const;
  const developed = develop(trace(makeScene(kind, random), width, height), width, height, random);
  // Focus: mostly sharp (though no lens is perfectly so), now and then clearly not.
  const sigma = random.chance(0.1) ? random.range(1, 1.6) : random.range(0.4, 0.8);
  const blurred = await sharp(developed, raw).blur(sigma).raw().toBuffer();
  return sharp(addNoise(blurred, random), raw)
    .jpeg({ quality: random.integer(55, 92) })
    .toBuffer();
}

/** Exposure, vignette and the brightness curve. */
function develop(light: Float32Array, width: number, height: number, random: Random): Uint8Array {
  const exposure = (0.42 / (mean(light) + 0.08)) ** 0.75 * random.range(0.7, 1.25);
  const vignette = random.range(0, 0.35);
  const out = new Uint8Array(light.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const far = ((column / width - 0.5) ** 2 + (row / height - 0.5) ** 2) * 2;
      const gain = 1024 * exposure * (1 - vignette * far);
      const pixel = (row * width + column) * 3;
      for (let i = pixel; i < pixel + 3; i++) out[i] = CURVE[Math.min(light[i]! * gain, 4095) | 0]!;
    }
  }
  return out;
}

function addNoise(pixels: Uint8Array, random: Random): Uint8ClampedArray {
  const strength = random.range(1, 8);
  const noisy = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    noisy[i] = pixels[i]! + strength * normals[random.integer(0, normals.length - 1)]!;
  }
  return noisy;
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
