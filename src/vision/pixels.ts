import { type FileHandle, open, rm } from 'node:fs/promises';
import { decodeSquare } from './image.ts';
import { readAll, writeAll } from './rows.ts';

/** Where a {@link PixelFile} is, as another thread is told. */
export interface PixelSource {
  path: string;
  size: number;
}

/**
 * Decoded training images in a file, one record of `size`·`size`·3 RGB bytes each: decoded once, read often, and
 * memory doesn't grow with their number (the system's page cache makes it fast).
 */
export class PixelFile {
  readonly size: number;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #recordBytes: number;

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#file = file;
    this.size = size;
    this.#recordBytes = size * size * 3;
  }

  /** Creates (or empties) the file at `path`. */
  static async create(path: string, size: number): Promise<PixelFile> {
    return new PixelFile(path, await open(path, 'w+'), size);
  }

  /** Opens a file that is there, to be read. */
  static async open({ path, size }: PixelSource): Promise<PixelFile> {
    return new PixelFile(path, await open(path), size);
  }

  get source(): PixelSource {
    return { path: this.#path, size: this.size };
  }

  /** Decodes one image into record `index`. Throws ImageError, or the system's error when the disk is full. */
  async store(index: number, file: Uint8Array): Promise<void> {
    const pixels = await decodeSquare(file, this.size);
    await writeAll(this.#file, pixels, index * this.#recordBytes);
  }

  /** The RGB bytes of record `index`, `[size, size, 3]`. */
  async read(index: number): Promise<Uint8Array> {
    const pixels = new Uint8Array(this.#recordBytes);
    await readAll(this.#file, pixels, index * this.#recordBytes);
    return pixels;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }
}
