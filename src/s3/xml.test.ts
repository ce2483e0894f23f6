import { expect, test } from 'vitest';
import { readXml, writeXml } from './xml.ts';

test('a document is read by the names of its elements', () => {
  const xml =
    '<?xml version="1.0"?><Delete xmlns="x"><Object><Key>a&amp;b &#10;</Key></Object><Object><Key/></Object></Delete>';
  const node = readXml(Buffer.from(xml), 'Delete');
  expect(node.all('Object').map((object) => object.get('Key'))).toEqual(['a&b \n', '']);
  expect(node.get('Quiet')).toBeUndefined();
});

test.each([
  '',
  'nonsense',
  '<Delete>',
  '<Other/>',
  '<Delete></Other>',
  '<!DOCTYPE a [<!ENTITY b "c">]><Delete>&b;</Delete>',
  `${'<Delete>'.repeat(10)}`,
  '<Delete>\0</Delete>',
])('%j is no such document', (text) => {
  expect(() => readXml(Buffer.from(text), 'Delete')).toThrow('not well-formed');
});

test('deeply nested elements are no danger', () => {
  const deep = `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`;
  expect(() => readXml(Buffer.from(`<Delete>${deep}</Delete>`), 'Delete')).toThrow('not well-formed');
});

test('what is written can be read', () => {
  const Key = '<&>"\' \t\r\n';
  const xml = writeXml('Result', { Key, Nothing: undefined, List: [{ A: 1 }, { A: true }], At: new Date(0) });
  const node = readXml(Buffer.from(xml), 'Result');
  expect(node.get('Key')).toBe(Key);
  expect(node.get('Nothing')).toBeUndefined();
  expect(node.all('List').map((item) => item.get('A'))).toEqual(['1', 'true']);
  expect(node.get('At')).toBe('1970-01-01T00:00:00.000Z');
});
