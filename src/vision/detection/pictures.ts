import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Box, LabelledBox } from '../boxes.ts';
import { decodeWithin } from '../image.ts';

/** A decoded picture, `[height, width, 3]` RGB bytes, with its boxes in pixels. */
export interface Picture {
  data: Uint8Array;
  width: number;
  height: number;
  boxes: readonly LabelledBox[];
}

interface Record {
  offset: number;
  width: number;
  height: number;
  boxes: LabelledBox[];
}

/**
 * Decoded training pictures of one longer side in a file: decoded once, read often, and memory doesn't grow with their
 * pixels.
 */
export class PictureFile {
  readonly side: number;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #records = new Map<number, Record>();
  #end = 0;

  private constructor(path: string, file: FileHandle, side: number) {
    this.#path = path;
    this.#file = file;
    this.side = side;
  }

  /** Creates (or empties) the file at `path`; `side`: the pictures' longer side in pixels. */
  static async create(path: string, side: number): Promise<PictureFile> {
    return new PictureFile(path, await open(path, 'w+'), side);
  }

  /** Decodes one picture, to be read by that index. Throws ImageError, or the system's error when the disk is full. */
  async store(index: number, file: Uint8Array, boxes: readonly LabelledBox[]): Promise<void> {
    const { data, width, height } = await decodeWithin(file, this.side, this.side);
    const offset = this.#end;
    this.#end += data.length;
    await this.#file.write(data, 0, data.length, offset);
    const scaled = boxes.map((box) => ({ label: box.label, ...scaledBox(box, width, height) }));
    this.#records.set(index, { offset, width, height, boxes: scaled });
  }

  async read(index: number): Promise<Picture> {
    const { offset, width, height, boxes } = this.#records.get(index)!;
    const data = new Uint8Array(width * height * 3);
    await this.#file.read(data, 0, data.length, offset);
    return { data, width, height, boxes };
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

function scaledBox({ left, top, width, height }: Box, across: number, down: number): Box {
  return { left: left * across, top: top * down, width: width * across, height: height * down };
}
