import sharp from 'sharp';

/** Why an image was refused. */
export type ImageErrorReason = 'format' | 'too-large' | 'too-small' | 'ratio' | 'broken' | 'gone';

/** The message is a sentence for users. */
export class ImageError extends Error {
  readonly reason: ImageErrorReason;

  constructor(reason: ImageErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
    this.reason = reason;
  }
}

/** Size limits of training and inference images in pixels per side, and the widest allowed aspect ratio. */
export const IMAGE_LIMITS = { minimumSide: 64, maximumSide: 4096, maximumRatio: 20 };

/** Width and height as displayed, that is after EXIF rotation. */
export interface ImageSize {
  width: number;
  height: number;
}

/**
 * Reads only the header and applies {@link IMAGE_LIMITS}: nothing is decoded, so a small file that claims
 * huge dimensions costs nothing. Throws {@link ImageError}.
 */
export async function inspectImage(file: Uint8Array, limits = IMAGE_LIMITS): Promise<ImageSize> {
  const metadata = await sharp(file, { limitInputPixels: false })
    .metadata()
    .catch((cause) => {
      throw new ImageError('format', 'The file is neither a JPEG nor a PNG image.', { cause });
    });
  if (metadata.format !== 'jpeg' && metadata.format !== 'png') {
    throw new ImageError('format', 'The file is neither a JPEG nor a PNG image.');
  }
  const { width, height } = metadata.autoOrient;
  const size = `${width} x ${height}`;
  if (Math.max(width, height) > limits.maximumSide) {
    throw new ImageError(
      'too-large',
      `Input image dimensions ${size} exceed maximum dimension size of ${limits.maximumSide} pixels`,
    );
  }
  if (Math.min(width, height) < limits.minimumSide) {
    throw new ImageError(
      'too-small',
      `Input image dimensions ${size} are below the minimum of ${limits.minimumSide} pixels per side`,
    );
  }
  if (Math.max(width, height) >= limits.maximumRatio * Math.min(width, height)) {
    throw new ImageError('ratio', `Input image dimensions ${size}: the aspect ratio must be less than 20:1`);
  }
  return { width, height };
}

/** How EXIF says that the stored picture is to be turned, 1–8; 1 (as it is) when it doesn't say. */
export async function readOrientation(file: Uint8Array): Promise<number> {
  return (await sharp(file, { limitInputPixels: false }).metadata()).orientation ?? 1;
}

/**
 * Decodes, turns upright by EXIF, removes transparency (on white) and resizes the whole picture to
 * `size` × `size`. Returns RGB bytes, `[size, size, 3]`. Throws {@link ImageError} (`broken` when truncated).
 */
export async function decodeSquare(file: Uint8Array, size: number): Promise<Uint8Array> {
  return (await decode(file, size, size, 'fill')).data;
}

/** A decoded picture: RGB bytes, `[height, width, 3]`. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** As {@link decodeSquare}, but keeps the proportions: as large as fits into `width` × `height`, also if that enlarges. */
export async function decodeWithin(file: Uint8Array, width: number, height: number): Promise<Pixels> {
  return await decode(file, width, height, 'inside');
}

async function decode(
  file: Uint8Array,
  width: number,
  height: number,
  fit: 'fill' | 'inside',
): Promise<Pixels> {
  await inspectImage(file);
  try {
    const { data, info } = await sharp(file, { failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .resize(width, height, { fit, kernel: 'linear' })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new ImageError('broken', `The image cannot be decoded: ${(cause as Error).message}`, { cause });
  }
}

/** Resizes a decoded square picture, `[size, size, 3]` RGB bytes, to `side` × `side` as {@link decodeSquare} does. */
export async function resizeSquare(pixels: Uint8Array, size: number, side: number): Promise<Uint8Array> {
  if (size === side) return pixels;
  return await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .resize(side, side, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
}
