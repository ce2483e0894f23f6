import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANIFEST_LIMITS, type ManifestLine, readLines } from './reader.ts';

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

async function read(bytes: AsyncIterable<Uint8Array>, limits = MANIFEST_LIMITS): Promise<ManifestLine[]> {
  const all: ManifestLine[] = [];
  for await (const line of readLines(bytes, limits)) all.push(line);
  return all;
}

async function lines(bytes: AsyncIterable<Uint8Array>, limits = MANIFEST_LIMITS) {
  return (await read(bytes, limits)).map(({ text }) => text);
}

const small = { bytes: 1000, lines: 3, lineLength: 10 };

describe('readLines', () => {
  it('numbers lines from 1 and takes a final newline for no further line', async () => {
    expect(await read(pieces('a\n', 'b\n'))).toEqual([
      { number: 1, text: 'a' },
      { number: 2, text: 'b' },
    ]);
    expect(await lines(pieces('a\nb'))).toEqual(['a', 'b']);
  });

  it('keeps blank lines, drops carriage returns and a byte order mark', async () => {
    expect(await lines(pieces('\uFEFFa\r\n\r\n\nb\r\n'))).toEqual(['a', '', '', 'b']);
    expect(await lines(pieces('\n'))).toEqual(['']);
  });

  it('puts characters together that lie in two pieces', async () => {
    const bytes = Buffer.from('häß\n€\n😀');
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(await lines(pieces(bytes.subarray(0, cut), bytes.subarray(cut)))).toEqual(['häß', '€', '😀']);
    }
  });

  it('gives back any lines however they are cut into pieces', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\uFEFF]/g, ''));
    const property = fc.asyncProperty(
      fc.array(line, { minLength: 1 }),
      fc.integer({ min: 1, max: 7 }),
      async (all, size) => {
        const bytes = Buffer.from(all.map((text) => `${text}\n`).join(''));
        const cut = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        expect(await lines(pieces(...cut))).toEqual(all);
      },
    );
    await fc.assert(property);
  });

  it.each([
    ['one piece', ['12345678901\nok']],
    ['many pieces', ['12345', '67890', '1', '\nok']],
    ['the carriage return of a full line does not count', ['12345678901\r\nok']],
  ])('drops the text of a line over the limit: %s', async (_, parts) => {
    expect(await lines(pieces(...parts), small)).toEqual([undefined, 'ok']);
  });

  it('keeps a line that just fits, with its carriage return in the next piece', async () => {
    expect(await lines(pieces('1234567890', '\r', '\nok'), small)).toEqual(['1234567890', 'ok']);
    expect(await lines(pieces('1234567890'), small)).toEqual(['1234567890']);
    expect(await lines(pieces('12345678901'), small)).toEqual([undefined]);
  });

  it.each([
    ['ERROR_EMPTY_MANIFEST', pieces(), MANIFEST_LIMITS],
    ['ERROR_EMPTY_MANIFEST', pieces(''), MANIFEST_LIMITS],
    ['ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM', pieces('1\n2\n3\n4'), small],
    ['ERROR_MANIFEST_SIZE_TOO_LARGE', pieces('1', 'x'.repeat(1000)), small],
    ['ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT', pieces(new Uint8Array([0xff, 0xd8])), small],
    ['ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT', pieces('{}', new Uint8Array([0xc3])), small],
  ])('refuses the file with %s', async (code, bytes, limits) => {
    await expect(lines(bytes, limits)).rejects.toMatchObject({ name: 'ManifestError', code });
  });

  it('accepts exactly as many lines as allowed', async () => {
    expect(await lines(pieces('1\n2\n3\n'), small)).toHaveLength(3);
  });

  it('asks for the next piece only when the lines of the last one were taken', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++;
        yield Buffer.from('{"a":1}\n{"b":2}\n{"c"');
      }
    }
    const reader = readLines(endless());
    for (let taken = 1; taken <= 200; taken++) {
      await reader.next();
      expect(given).toBeLessThanOrEqual(Math.ceil(taken / 2) + 1);
    }
    await reader.return(undefined);
  });

  it('stops reading at the size limit however long the only line is', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 100;
        yield new Uint8Array(100).fill(0x20);
      }
    }
    await expect(lines(endless(), small)).rejects.toMatchObject({ code: 'ERROR_MANIFEST_SIZE_TOO_LARGE' });
    expect(given).toBe(1100);
  });

  it('reads 50,000 lines', async () => {
    async function* many(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 50_000; i++) yield Buffer.from(`{"source-ref":"s3://bucket/${i}.jpg"}\n`);
    }
    let last = 0;
    for await (const { number, text } of readLines(many())) {
      if (text !== `{"source-ref":"s3://bucket/${number - 1}.jpg"}`)
        throw new Error(`line ${number}: ${text}`);
      last = number;
    }
    expect(last).toBe(50_000);
  });
});
