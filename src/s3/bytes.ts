/** Longest line between the chunks of a body. */
const MAXIMUM_LINE = 16 * 1024;

/** Lines and bytes of a stream in turn. `atEnd` makes the error for a stream that ends too early. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer, void>;
  readonly #atEnd: () => Error;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncGenerator<Buffer, void>, atEnd: () => Error) {
    this.#source = source;
    this.#atEnd = atEnd;
  }

  /** The bytes up to the next CR LF (or LF), as text. */
  async line(): Promise<string> {
    for (let from = 0; ; ) {
      const end = this.#buffer.indexOf(10, from);
      if (end >= 0) {
        const text = this.#buffer.toString('latin1', 0, end);
        this.#buffer = this.#buffer.subarray(end + 1);
        return text.endsWith('\r') ? text.slice(0, -1) : text;
      }
      from = this.#buffer.length;
      if (from > MAXIMUM_LINE) throw this.#atEnd();
      this.#buffer = Buffer.concat([this.#buffer, await this.#next()]);
    }
  }

  /** At least one byte, at most `maximum`. */
  async some(maximum: number): Promise<Buffer> {
    while (this.#buffer.length === 0) this.#buffer = await this.#next();
    const piece = this.#buffer.subarray(0, maximum);
    this.#buffer = this.#buffer.subarray(piece.length);
    return piece;
  }

  async #next(): Promise<Buffer> {
    const { done, value } = await this.#source.next();
    if (done) throw this.#atEnd();
    return value;
  }
}
