import { extname, join, relative, sep } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileNames } from './file-names.ts';

test('the folder that all keys have in common is left out, the rest is kept', () => {
  expect(fileNames(['a/b/1.jpg', 'a/b/c/2.jpg', 'a/b/c/3.png'])).toEqual(['1.jpg', 'c/2.jpg', 'c/3.png']);
  expect(fileNames(['photos/1.jpg'])).toEqual(['1.jpg']);
});

test('names that differ by extension or case alone are told apart', () => {
  expect(fileNames(['1.jpg', '1.png', 'A.jpg', 'a.jpg'])).toEqual(['1.jpg', '1-2.png', 'A.jpg', 'a-2.jpg']);
});

test('whatever the keys, files stay in the folder and apart from each other', () => {
  const part = fc.oneof(
    fc.constantFrom('.', '..', '', 'a', 'a.jpg', 'C:', '\\..\\x'),
    fc.string({ unit: 'grapheme' }),
  );
  const key = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 6 }), (keys) => {
      const names = fileNames(keys);
      const stems = names.map((name) => name.slice(0, name.length - extname(name).length).toLowerCase());
      expect(new Set(stems).size).toBe(keys.length);
      for (const name of names) {
        const below = relative('/folder', join('/folder', name));
        expect(below.split(sep)).not.toContain('..');
        expect(below).not.toBe('');
        expect(name).not.toMatch(/[\\:\0]/);
      }
    }),
  );
});
