import { type FileHandle, open, rm } from 'node:fs/promises';

/** Numbers of the same count per picture or view, `[count, width]`. */
export interface Rows {
  readonly width: number;
  /** Reads rows `from` to `from + count` into `target`, which begins with them. */
  read(from: number, count: number, target: Float32Array): Promise<void>;
}

/** Rows in memory. */
export function rowsOf(data: Float32Array, width: number): Rows {
  return {
    width,
    async read(from, count, target) {
      target.set(data.subarray(from * width, (from + count) * width));
    },
  };
}

/** Where a {@link RowFile} is, as another thread is told. */
export interface RowSource {
  path: string;
  width: number;
}

/** Rows in a file, so that memory doesn't grow with their number (the system's page cache makes it fast). */
export class RowFile implements Rows {
  readonly width: number;
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, width: number) {
    this.#path = path;
    this.#file = file;
    this.width = width;
  }

  /** Creates (or empties) the file at `path`. */
  static async create(path: string, width: number): Promise<RowFile> {
    return new RowFile(path, await open(path, 'w+'), width);
  }

  /** Opens a file that is there, to be read. */
  static async open({ path, width }: RowSource): Promise<RowFile> {
    return new RowFile(path, await open(path), width);
  }

  get source(): RowSource {
    return { path: this.#path, width: this.width };
  }

  /** Writes whole rows, the first at place `from`. Throws the system's error when the disk is full. */
  async write(from: number, rows: Float32Array): Promise<void> {
    await writeAll(this.#file, bytesOf(rows), from * this.width * Float32Array.BYTES_PER_ELEMENT);
  }

  async read(from: number, count: number, target: Float32Array): Promise<void> {
    const rows = bytesOf(target.subarray(0, count * this.width));
    await readAll(this.#file, rows, from * this.width * Float32Array.BYTES_PER_ELEMENT);
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

/** The memory of an array of floats. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** One call may write less than all, as on a disk that is nearly full; the next one then says why. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Fills `bytes` from `position` on. Throws when the file ends before. */
export async function readAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error(`A temporary file ends at ${position + done}`);
    done += bytesRead;
  }
}
