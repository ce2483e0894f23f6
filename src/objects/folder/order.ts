/** After every string that begins with the one it is appended to. */
export const LAST = '\u{10ffff}';

/** Order of the UTF-8 bytes, which is S3's. JavaScript's own is that of UTF-16 and differs beyond U+D7FF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates, the halves of what is beyond U+FFFF, come after all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
