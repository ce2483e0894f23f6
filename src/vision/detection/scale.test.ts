import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chooseInput } from './scale.ts';

const picture = (width: number, height: number, side: number) => ({
  size: { width, height },
  boxes: [{ label: 0, left: 0, top: 0, width: side / width, height: side / height }],
});

it('large objects ask for the usual input, in the proportions of the pictures', () => {
  expect(chooseInput([picture(1024, 768, 500)])).toEqual({ width: 320, height: 256 });
  expect(chooseInput([picture(768, 1024, 500)])).toEqual({ width: 256, height: 320 });
});

it('small objects ask for a larger input, also larger than the pictures', () => {
  expect(chooseInput([picture(512, 512, 24)])).toEqual({ width: 512, height: 512 });
  expect(chooseInput([picture(512, 512, 12)])).toEqual({ width: 1024, height: 1024 });
  expect(chooseInput([picture(512, 512, 3)])).toEqual({ width: 1024, height: 1024 });
});

it('pictures that are nearly large enough keep their size', () => {
  expect(chooseInput([picture(512, 512, 20)]).width).toBe(512);
  expect(chooseInput([picture(512, 512, 19)]).width).toBe(672);
});

it('the label with the smallest objects decides', () => {
  const small = {
    ...picture(512, 512, 20),
    boxes: [{ label: 1, left: 0, top: 0, width: 0.05, height: 0.05 }],
  };
  expect(chooseInput([picture(512, 512, 300), picture(512, 512, 300), small]).width).toBe(480);
});

it('small pictures are not enlarged for large objects', () => {
  expect(chooseInput([picture(96, 96, 40)])).toEqual({ width: 96, height: 96 });
});

it('pictures of both ways have room in a square', () => {
  const wide = Array.from({ length: 5 }, () => picture(640, 480, 200));
  const high = Array.from({ length: 5 }, () => picture(480, 640, 200));
  expect(chooseInput([...wide, ...high])).toEqual({ width: 320, height: 320 });
});

it('sides are multiples of 32 between 64 and 1024', () => {
  const side = fc.integer({ min: 64, max: 4096 });
  fc.assert(
    fc.property(fc.array(fc.tuple(side, side), { minLength: 1, maxLength: 5 }), (sizes) => {
      const input = chooseInput(sizes.map(([width, height]) => picture(width, height, 40)));
      for (const length of [input.width, input.height]) {
        expect(length % 32).toBe(0);
        expect(length).toBeLessThanOrEqual(1024);
      }
      expect(Math.min(input.width, input.height)).toBeGreaterThanOrEqual(32);
    }),
  );
});
