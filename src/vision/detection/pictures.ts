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

/** Where a {@link PictureFile} is and what it has, as another thread is told. */
export interface PictureSource {
  path: string;
  side: number;
  records: ReadonlyMap<number, Record>;
}

/**
 * Decoded training pictures of one longer side in a file: decoded once, read often, and memory doesn't grow with their
 * pixels.
 */
export class PictureFile {
  readonly side: number;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #records: Map<number, Record>;
  #end = 0;

  private constructor(path: string, file: FileHandle, side: number, records = new Map<number, Record>()) {
    this.#records = records;
    this.#path = path;
    this.#file = file;
    this.side = side;
  }

  /** Creates (or empties) the file at `path`; `side`: the pictures' longer side in pixels. */
  static async create(path: string, side: number): Promise<PictureFile> {
    return new PictureFile(path, await open(path, 'w+'), side);
  }

  /** Opens a file that is there, to be read. */
  static async open({ path, side, records }: PictureSource): Promise<PictureFile> {
    return new PictureFile(path, await open(path), side, new Map(records));
  }

  get source(): PictureSource {
    return { path: this.#path, side: this.side, records: this.#records };
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

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }
}

function scaledBox({ left, top, width, height }: Box, across: number, down: number): Box {
  return { left: left * across, top: top * down, width: width * across, height: height * down };
}
