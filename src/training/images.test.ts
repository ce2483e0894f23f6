import { expect, test } from 'vitest';
import type { ObjectRef, ObjectStore } from '../objects/objects.ts';
import { readAhead } from './images.ts';

/** A store that answers a read when it is told to. */
function slowStore(parallelReads: number) {
  const begun: string[] = [];
  const waiting = new Map<string, PromiseWithResolvers<Buffer>>();
  const objects = {
    parallelReads,
    read({ key }: ObjectRef) {
      begun.push(key);
      const answer = Promise.withResolvers<Buffer>();
      waiting.set(key, answer);
      return answer.promise;
    },
  } as Partial<ObjectStore> as ObjectStore;
  return { objects, begun, waiting };
}

const images = (count: number) => Array.from({ length: count }, (_, i) => ({ bucket: 'b', key: String(i) }));

test('images asked for one after the other are read before their turn, as many at a time as the store wants', async () => {
  const { objects, begun, waiting } = slowStore(3);
  const read = readAhead(images(5), objects);
  const answers: string[] = [];
  for (let i = 0; i < 5; i++) {
    const wanted = read(i);
    expect(begun).toEqual(['0', '1', '2', '3', '4'].slice(0, i + 3));
    waiting.get(String(i))!.resolve(Buffer.from(String(i)));
    answers.push((await wanted).toString());
  }
  expect(answers).toEqual(['0', '1', '2', '3', '4']);
});

test('an image that is asked for again, or out of turn, is read alone', async () => {
  const { objects, begun } = slowStore(3);
  const read = readAhead(images(9), objects);
  void read(4);
  void read(7);
  expect(begun).toEqual(['4', '7']);
  void read(0);
  expect(begun).toEqual(['4', '7', '0', '1', '2']);
  void read(0);
  expect(begun).toEqual(['4', '7', '0', '1', '2', '0']);
});

test('a read that fails tells who asked for it, and nobody else', async () => {
  const { objects, waiting } = slowStore(2);
  const read = readAhead(images(2), objects);
  const first = read(0);
  waiting.get('1')!.reject(new Error('gone'));
  waiting.get('0')!.resolve(Buffer.from('0'));
  expect((await first).toString()).toBe('0');
  await expect(read(1)).rejects.toThrow('gone');
});
