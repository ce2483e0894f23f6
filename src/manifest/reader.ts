import { TextDecoder } from 'node:util';
import { ManifestError } from './codes.ts';

/** Size in bytes, number of lines, length of a line in UTF-16 code units. */
export const MANIFEST_LIMITS = { bytes: 1024 ** 3, lines: 250_000, lineLength: 100_000 };

/** One line of a manifest file. */
export interface ManifestLine {
  /** Counts from 1. */
  number: number;
  /** Without its line end; undefined when it was too long to be kept. */
  text: string | undefined;
}

/**
 * The lines of a manifest, as a stream: no more than one line (cut off at its limit) and one piece of input
 * are in memory. A final newline begins no further line; blank lines count; a byte order mark is dropped.
 *
 * Throws {@link ManifestError} for a file that is empty, has too many bytes or lines, or isn't UTF-8.
 */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array>,
  limits = MANIFEST_LIMITS,
): AsyncGenerator<ManifestLine> {
  const lines = new LineCutter(limits.lineLength);
  let number = 0;
  for await (const text of decode(bytes, limits.bytes)) {
    for (const line of lines.push(text)) yield { number: ++number, text: admit(line) };
  }
  for (const line of lines.end()) yield { number: ++number, text: admit(line) };
  if (number === 0) throw new ManifestError('ERROR_EMPTY_MANIFEST');

  function admit(line: string | undefined): string | undefined {
    if (number > limits.lines) throw new ManifestError('ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM');
    return line;
  }
}

async function* decode(bytes: AsyncIterable<Uint8Array>, maximumBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let total = 0;
  for await (const piece of bytes) {
    total += piece.length;
    if (total > maximumBytes) throw new ManifestError('ERROR_MANIFEST_SIZE_TOO_LARGE');
    yield decodePiece(decoder, piece);
  }
  yield decodePiece(decoder);
}

function decodePiece(decoder: TextDecoder, piece?: Uint8Array): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch (cause) {
    throw new ManifestError('ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT', { cause });
  }
}

/** Cuts pieces of text into lines and never keeps more of an unfinished line than the limit. */
class LineCutter {
  readonly #limit: number;
  #rest = '';
  #tooLong = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  *push(text: string): Generator<string | undefined> {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#add(text, start, end);
      yield this.#take();
      start = end + 1;
    }
    this.#add(text, start, text.length);
  }

  *end(): Generator<string | undefined> {
    if (this.#rest !== '' || this.#tooLong) yield this.#take();
  }

  #add(text: string, start: number, end: number): void {
    // One more than the limit, for the carriage return of a line that just fits.
    this.#tooLong ||= this.#rest.length + end - start > this.#limit + 1;
    this.#rest = this.#tooLong ? '' : this.#rest + text.slice(start, end);
  }

  #take(): string | undefined {
    const line = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
    const tooLong = this.#tooLong || line.length > this.#limit;
    this.#rest = '';
    this.#tooLong = false;
    return tooLong ? undefined : line;
  }
}
