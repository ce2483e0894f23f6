import { describe, expect, it } from 'vitest';
import { inThread } from './thread.ts';

/** A module of that source. */
const moduleOf = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
const COUNTER = moduleOf(`
  export default async function* ({ from, to, closed }) {
    try {
      for (let i = from; i < to; i++) yield { i, data: Float32Array.of(i) };
    } finally {
      Atomics.store(closed, 0, 1);
    }
  }`);

interface Counted {
  i: number;
  data: Float32Array;
}

describe('inThread', () => {
  it('gives the values of a generator, in order, and ends', async () => {
    const closed = new Int32Array(new SharedArrayBuffer(4));
    const values: Counted[] = [];
    for await (const value of inThread<unknown, Counted>(COUNTER, { from: 3, to: 40, closed })) {
      values.push(value);
    }
    expect(values.map(({ i }) => i)).toEqual(Array.from({ length: 37 }, (_, k) => k + 3));
    expect(values.map(({ data }) => data[0])).toEqual(values.map(({ i }) => i));
    expect(closed[0]).toBe(1);
  });

  it('ends the generator when no more is taken', async () => {
    const closed = new Int32Array(new SharedArrayBuffer(4));
    const endless = { from: 0, to: Number.POSITIVE_INFINITY, closed };
    for await (const { i } of inThread<unknown, Counted>(COUNTER, endless)) if (i === 5) break;
    expect(closed[0]).toBe(1);
  });

  it('throws what the generator throws', async () => {
    const failing = moduleOf(`
      export default async function* () {
        yield { i: 1 };
        throw Object.assign(new Error('The disk is full'), { code: 'ENOSPC' });
      }`);
    const values: unknown[] = [];
    const take = async () => {
      for await (const value of inThread(failing, {})) values.push(value);
    };
    await expect(take()).rejects.toMatchObject({ message: 'The disk is full', code: 'ENOSPC' });
    expect(values).toEqual([{ i: 1 }]);
  });

  it('gives the values before a failure, though the main thread is busy while the thread fails', async () => {
    const failing = moduleOf(`
      export default async function* ({ over }) {
        process.once('exit', () => { Atomics.store(over, 0, 1); Atomics.notify(over, 0); });
        yield { i: 1 };
        throw new Error('The disk is full');
      }`);
    // A value and an error reach the main thread by different ways; which is first depends on when it looks.
    for (let busyMs = 0; busyMs < 3; busyMs += 0.25) {
      const over = new Int32Array(new SharedArrayBuffer(4));
      const values = inThread(failing, { over });
      const first = values.next();
      Atomics.wait(over, 0, 0);
      Atomics.wait(over, 0, 1, busyMs);
      await expect(first).resolves.toMatchObject({ value: { i: 1 } });
      await expect(values.next()).rejects.toThrow('The disk is full');
    }
  });

  it('throws when the thread ends before its time', async () => {
    const leaving = moduleOf(`
      export default async function* () {
        yield { i: 1 };
        process.exit(3);
      }`);
    const values = inThread(leaving, {});
    await expect(values.next()).resolves.toMatchObject({ value: { i: 1 } });
    await expect(values.next()).rejects.toThrow('ended with 3');
  });

  it('throws when the module is not there', async () => {
    const missing = inThread(new URL('./missing.ts', import.meta.url).href, {});
    await expect(missing.next()).rejects.toThrow('missing.ts');
  });
});
