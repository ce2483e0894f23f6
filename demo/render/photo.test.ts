import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { KINDS } from './parts.ts';
import { renderPhoto } from './photo.ts';

describe('renderPhoto', () => {
  it.each(KINDS)('makes the same JPEG of a %s again from the same seed', async (kind) => {
    const first = await renderPhoto(kind, 'a');
    expect(await renderPhoto(kind, 'a')).toEqual(first);
    expect(await renderPhoto(kind, 'b')).not.toEqual(first);
  });

  it.each(KINDS)('makes a picture of a %s that the service takes', async (kind) => {
    const { format, width, height } = await sharp(await renderPhoto(kind, 'size')).metadata();
    expect(format).toBe('jpeg');
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(64);
    expect(Math.max(width, height)).toBeLessThanOrEqual(256);
  });

  it.each(KINDS)('makes pictures of a %s that are neither dark nor blank', async (kind) => {
    for (const seed of ['1', '2', '3']) {
      const { channels } = await sharp(await renderPhoto(kind, seed)).stats();
      for (const { mean, stdev } of channels) {
        expect(mean).toBeGreaterThan(25);
        expect(mean).toBeLessThan(230);
        expect(stdev).toBeGreaterThan(8);
      }
    }
  });
});
